"""`genomenet annotate`, and `genomenet evaluate` by class of base, as a user meets them."""

import dataclasses
import math
import re

import pytest

from genomenet.annotation.region_classes import CLASSES
from genomenet.annotation.regions import RegionTrack
from genomenet.cli.main import main
from genomenet.evaluation.findings_file import load_findings
from genomenet.genome.genome import open_genome
from genomenet.training.run import train

from .test_cli import fails

GTF = "".join(
    f'one\tx\t{kind}\t{first}\t{last}\t.\t{strand}\t{frame}\tgene_id "g"; transcript_id "t";\n'
    for kind, first, last, strand, frame in (
        ("exon", 5_001, 9_000, "+", "."),
        ("CDS", 6_001, 8_000, "+", "0"),
        ("exon", 20_001, 38_000, "+", "."),
    )
)


@pytest.fixture
def gtf(tmp_path):
    path = tmp_path / "genes.gtf"
    path.write_text(GTF)
    return path


def test_annotate_prints_the_classes(capsys, tmp_path, genome_folder, gtf):
    bed = tmp_path / "mine.bed"
    bed.write_text("two\t0\t1000\n")
    out = tmp_path / "out"
    words = ["annotate", genome_folder, "--annotation", gtf, "--layer", f"mine={bed}", "-o", out]
    assert main([*map(str, words), "--upstream", "500", "--downstream=0", "--quiet"]) == 0
    said = capsys.readouterr().out.splitlines()
    table = {line.split()[0]: line.split()[1:] for line in said[1:]}
    track_classes = [*CLASSES, "mine"]
    assert said[0].startswith(f"{out}: 60,000 bases")
    assert said[2].startswith("mine")  # the highest precedence first
    assert said[len(track_classes) + 1].startswith("intergenic")
    assert "note: 0.0% of 1 donors read GT" in said[len(track_classes) + 2 :]
    assert table["mine"] == ["1,000", "1.667%", "0", "0", "0", "1,000", "40.0%"]
    assert table["coding_1"][:4] == ["667", "1.112%", "667", "0"]
    assert table["promoter"][0] == "500"
    assert table["intron"][0] == f"{11_000 - 4:,}"
    assert table["utr"] == ["0", "0.000%", "0", "0", "0", "0", "-"]
    track = RegionTrack(out, open_genome(genome_folder))
    assert sum(counts["bases"] for counts in track.table["counts"].values()) == 60_000
    assert track.table["command"].startswith("genomenet annotate ")


def test_the_folder_goes_beside_the_genome(capsys, tmp_path, fasta, gtf):
    main(["import", str(fasta), "--out", str(tmp_path / "g"), "--quiet"])
    assert main(["annotate", str(tmp_path / "g"), "-a", str(gtf), "--quiet"]) == 0
    assert (tmp_path / "g.regions" / "regions.json").is_file()
    assert f"{tmp_path / 'g.regions'}: 60,000 bases" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--layer", "mine"], "--layer is 'mine'; it should be NAME=BED"),
        (["--layer", "a=x.bed", "--layer", "a=y.bed"], "--layer names 'a' twice"),
        (["--layer", "a=nowhere.bed"], "nowhere.bed does not exist"),
        (["--layer", "intron=nowhere.bed"], "there is a class 'intron' already"),
        (["--repeat", "x"], "has no option --repeat; did you mean '--repeats'?"),
        (["--upstream", "-5"], "give 0 or more"),
    ],
)
def test_mistakes(capsys, tmp_path, genome_folder, gtf, more, said):
    words = ["annotate", genome_folder, "-a", gtf, "-o", tmp_path / "out", *more]
    assert said in fails(capsys, *words)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def regions(tmp_path, genome_folder, gtf, capsys):
    out = tmp_path / "regions"
    assert main(["annotate", str(genome_folder), "-a", str(gtf), "-o", str(out), "--quiet"]) == 0
    capsys.readouterr()
    return out


def test_scores_by_class(capsys, tmp_path, make_config, regions):
    config = make_config(max_steps=1)
    train(config, tmp_path / "plain", "", progress=False)
    data = dataclasses.replace(config.data, regions=str(regions))
    train(dataclasses.replace(config, data=data), tmp_path / "own", "", progress=False)
    capsys.readouterr()
    runs = [str(tmp_path / "plain"), str(tmp_path / "own")]
    file = tmp_path / "scores.json"

    def scored(*words):
        assert main(["evaluate", *words, "--json", str(file), "--quiet"]) == 0
        found = load_findings(file)
        tables = {
            table.key: [
                dict(zip([column.name for column in table.columns], row, strict=True))
                for row in table.rows
            ]
            for table in found.tables
        }
        return capsys.readouterr().out, tables

    assert "by-class" not in scored(runs[0], "--split", "train")[1]
    own = scored(runs[1], "--split", "train")[1]["by-class"]
    said, tables = scored(*runs, "--split", "train", "--regions", str(regions))
    for name in ("plain", "own"):
        rows = [row for row in tables["by-class"] if row["model"] == name]
        (total,) = (row for row in tables["overall"] if row["model"] == name)
        # The two runs differ in nothing but whether they know of the annotation.
        told = [{**row, "model": "own"} for row in rows]
        assert told == [row for row in own if row["model"] == "own"]
        assert sum(row["bases"] for row in rows) == total["bases"]
        nats = math.fsum(row["nats/base"] * row["bases"] for row in rows)
        assert nats == pytest.approx(total["nats/base"] * total["bases"], rel=1e-9)
        # The repeats here are the soft mask, which is scored apart anyway.
        repeats = [row for row in rows if row["in repeats"]]
        masked = sum(row["in repeats"] for row in repeats)
        in_repeats = math.fsum(row["repeats"] * row["in repeats"] for row in repeats)
        assert in_repeats == pytest.approx(total["repeats"] * masked, rel=1e-9)
        (intron,) = (row for row in rows if row["class"] == "intron")
        assert intron["perplexity"] == pytest.approx(math.exp(intron["nats/base"]))
        assert intron["bits/base"] == pytest.approx(intron["nats/base"] / math.log(2))
        assert "utr" not in {row["class"] for row in rows}
    printed = said.split("By class of base")[1].split("\n\n")[0]
    (line,) = re.findall(r"^plain +intron +(.*)$", printed, re.M)
    assert line.split()[0] == f"{intron['bases']:,}"
    assert line.split()[3] == f"{intron['nats/base']:.4f}"


def test_regions_of_another_genome(capsys, tmp_path, make_config, regions, fasta):
    train(make_config(max_steps=1), tmp_path / "run", "", progress=False)
    capsys.readouterr()
    (tmp_path / "other.fa").write_text(fasta.read_text().replace("A", "C"))
    words = ["evaluate", tmp_path / "run", "--genome", tmp_path / "other.fa", "--quiet"]
    words += ["--regions", regions]
    assert "annotates another genome" in fails(capsys, *words)
