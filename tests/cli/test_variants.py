"""`genomenet variants` as a user meets it: a run's own genome, another one, peers, mistakes."""

import numpy as np
import pytest

from genomenet.cli.main import main
from genomenet.evaluation.findings_file import load_findings
from genomenet.genome.alphabet import decode
from genomenet.genome.genome import open_genome, whole_contigs
from genomenet.training.run import train
from tests.interop.peers import save


@pytest.fixture
def run(tmp_path, make_config):
    train(
        make_config(model={"layout": "t1 + T1 + t1"}, max_steps=2), tmp_path / "run", "test",
        progress=False,
    )  # fmt: skip
    return tmp_path / "run"


@pytest.fixture
def variants(tmp_path, genome_folder):
    """A table of substitutions and indels with labels, measured numbers and classes."""
    genome = open_genome(genome_folder)
    whole = max(whole_contigs(genome), key=lambda one: one.end)
    generator = np.random.default_rng(0)
    lines = ["chrom,pos,ref,alt,label,effect,class"]
    for i in generator.integers(10, whole.end - 10, size=60):
        ref = decode(genome.read(whole.contig, int(i), int(i) + 1))
        if ref == "N":
            continue
        alt = f"{ref}G" if i % 7 == 0 else "ACGT"["ACGT".index(ref) - 1]
        label = ("benign", "pathogenic")[int(generator.integers(2))]
        lines.append(f"{whole.contig},{i + 1},{ref},{alt},{label},{i / 100},{'ab'[i % 2]}")
    path = tmp_path / "variants.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def told(capsys, *words: object) -> str:
    capsys.readouterr()
    assert main(["variants", *map(str, words), "--quiet"]) == 0
    return " ".join(capsys.readouterr().out.split())


def fails(capsys, *words: object) -> str:
    capsys.readouterr()
    assert main(["variants", *map(str, words)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    return captured.err


def test_the_runs_own_genome(capsys, run, variants, tmp_path):
    words = [run, "--variants", variants, "--score", "effect", "--group", "class"]
    text = told(
        capsys, *words, "--json", tmp_path / "f.json", "--out", tmp_path / "o.tsv",
        "--csv", tmp_path / "csv",
    )  # fmt: skip
    found = load_findings(tmp_path / "f.json")
    rows = [line.split("\t") for line in (tmp_path / "o.tsv").read_text().splitlines()]
    count = len(variants.read_text().splitlines()) - 1
    assert len(rows) == 1 + count
    assert "in front of a variant once for all alleles" in text
    assert "first run's training split" in text
    assert [row[0] for row in found.table("strands").rows][:2] == ["run", "run, untrained"]
    assert found.table("labels").rows[0][:3] == ("run", "model", count)
    assert found.table("measured").rows[0][2] == count
    assert {row[0] for row in found.table("label_splits").rows} == {
        "in the training split", "outside of it",
    }  # fmt: skip
    assert (tmp_path / "csv" / "variants-labels.csv").is_file()
    told(capsys, *words, "--json", tmp_path / "again.json")
    assert load_findings(tmp_path / "again.json").tables == found.tables


def test_another_genome_with_classes_and_a_peer(capsys, run, variants, tmp_path, genome_folder):
    contig = variants.read_text().splitlines()[1].split(",")[0]
    other = tmp_path / "other.fa"
    genome = open_genome(genome_folder)
    text = {
        one.contig: decode(genome.read(one.contig, 0, one.end)) for one in whole_contigs(genome)
    }
    other.write_text("".join(f">{name}\n{bases}\n" for name, bases in text.items()) + ">x\nACGT\n")
    assert main(["import", str(other), "--out", str(tmp_path / "other")]) == 0
    rows = [("gene", 1, 900), ("transcript", 1, 900), ("exon", 1, 200), ("exon", 401, 900)]
    (tmp_path / "a.gtf").write_text(
        "".join(
            f'{contig}\tx\t{kind}\t{start}\t{end}\t.\t+\t.\tgene_id "g"; gene_type "lncRNA"; '
            'transcript_id "t";\n'
            for kind, start, end in rows
        )
    )
    annotate = ["annotate", str(tmp_path / "other"), "--annotation", str(tmp_path / "a.gtf")]
    assert main([*annotate, "--out", str(tmp_path / "regions")]) == 0
    peer = save(tmp_path / "masked", "bert", around=True)
    out = tmp_path / "o.tsv"
    told_text = told(
        capsys, run, "--hf", peer, "--genome", tmp_path / "other", "--variants", variants,
        "--annotation", tmp_path / "a.gtf", "--regions", tmp_path / "regions", "--out", out,
        "--max_length", 64, "--placement", 0.9,
    )  # fmt: skip
    assert "masked (not comparable)" in told_text
    assert "whether models saw these places is not known" in told_text
    assert "90% of the flanks are read before the variant" in told_text
    header, *rows = (line.split("\t") for line in out.read_text().splitlines())
    groups = {row[header.index("group")] for row in rows}
    assert groups <= {"intergenic", "promoter", "intron", "noncoding_exon", "splice_donor",
                      "splice_acceptor"}  # fmt: skip
    assert len(groups) >= 2
    assert "near a splice site" in header


def test_mistakes_write_nothing(capsys, run, variants, tmp_path):
    assert "--variants is missing" in fails(capsys, run)
    assert "--placement is 2" in fails(capsys, run, "--variants", variants, "--placement", 2)
    assert "--aliases is for another" in fails(
        capsys, run, "--variants", variants, "--aliases", "x"
    )
    wrong = tmp_path / "wrong.csv"
    lines = variants.read_text().splitlines()
    cells = lines[1].split(",")
    cells[2] = "ACGT"["ACGT".index(cells[2]) - 2]
    wrong.write_text("\n".join([*lines, ",".join(cells)]) + "\n")
    out = tmp_path / "o.tsv"
    said = fails(capsys, run, "--variants", wrong, "--out", out)
    assert f"wrong.csv: line {len(lines) + 1}: the reference allele" in said
    assert not out.exists()
    assert "reference allele differs from the genome: 1" in told(
        capsys, run, "--variants", wrong, "--mismatches", "skip"
    )
