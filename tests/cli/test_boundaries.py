"""`genomenet boundaries` as a user meets it: a run, its tables, mistakes in one sentence."""

import pytest

from genomenet.annotation.region_writer import write_regions
from genomenet.cli.main import main
from genomenet.evaluation.findings_file import load_findings
from genomenet.genome.genome import open_genome
from genomenet.training.run import train


@pytest.fixture
def gtf(tmp_path):
    rows = []
    for i, strand in enumerate("+-" * 12):
        start, ids = 2400 * i + 101, f'gene_id "g{i}"; transcript_id "t{i}";'
        for kind, first, last in (
            ("transcript", 0, 599), ("exon", 0, 199), ("exon", 300, 599), ("CDS", 50, 199),
            ("CDS", 300, 449),
        ):  # fmt: skip
            place = f"{start + first}\t{start + last}"
            rows.append(f"one\tx\t{kind}\t{place}\t.\t{strand}\t.\t{ids}\n")
    (tmp_path / "x.gtf").write_text("".join(rows))
    return tmp_path / "x.gtf"


def fails(capsys, *words: object) -> str:
    assert main(["boundaries", *map(str, words)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    return captured.err


def test_a_run(capsys, tmp_path, make_config, genome_folder, gtf):
    for name, layout in (
        ("hnet", "m1 + T1 + m1"),
        ("two", "m1 + m1 + T1 + m1 + m1"),
        ("flat", "T1"),
    ):
        config = make_config(model={"layout": layout, "targets": 3.0}, max_steps=2)
        train(config, tmp_path / name, "test", progress=False)
    write_regions(open_genome(genome_folder), gtf, tmp_path / "regions")
    bed = tmp_path / "all.bed"
    bed.write_text("one\t0\t40000\n")
    capsys.readouterr()
    runs = [tmp_path / name for name in ("hnet", "two", "flat")]
    words = [
        "boundaries", *map(str, runs), "--bed", str(bed), "--regions", str(tmp_path / "regions"),
        "--annotation", str(gtf), "--motif", "a=ACG", "--windows", "24", "--quiet", "true",
    ]  # fmt: skip
    assert main([*words, "--json", str(tmp_path / "a.json"), "--csv", str(tmp_path)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Left out, for they draw no boundaries: flat." in text
    found = load_findings(tmp_path / "a.json")
    models = {row[0] for row in found.table("rates").rows}
    assert models == {"hnet", "two, stage 1", "two, stage 2"}
    kinds = {row[1] for row in found.table("edges").rows}
    assert {"splice donor", "splice acceptor", "repeat start", "a"} <= kinds
    assert {row[1] for row in found.table("motifs").rows} == {"a ACG"}
    assert (tmp_path / "boundaries-stability.csv").is_file()
    assert main([*words, "--json", str(tmp_path / "b.json")]) == 0  # seeds fix everything
    assert load_findings(tmp_path / "b.json").tables == found.tables
    capsys.readouterr()
    assert "none of the models draws boundaries" in fails(capsys, tmp_path / "flat")


def test_mistakes(capsys, tmp_path):
    assert "name at least one run" in fails(capsys)
    assert "--seed is -1" in fails(capsys, "x", "--seed", -1)
    assert "is no file" in fails(capsys, "x", "--annotation", tmp_path / "none.gtf")
    assert "NAME=IUPAC" in fails(capsys, "x", "--motif", "TATA")
