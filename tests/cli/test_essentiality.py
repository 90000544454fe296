"""`genomenet essentiality` as a user meets it."""

import numpy as np

from genomenet.cli.main import main
from genomenet.evaluation.findings_file import load_findings
from genomenet.genome.genome import open_genome, whole_contigs
from genomenet.training.run import train


def test_genes_by_place_and_by_name(capsys, tmp_path, make_config, genome_folder):
    run = tmp_path / "run"
    train(make_config(model={"layout": "T1"}, max_steps=2), run, "test", progress=False)
    whole = max(whole_contigs(open_genome(genome_folder)), key=lambda one: one.end)
    generator = np.random.default_rng(0)
    places, names = ["contig,start,end,strand,label"], ["gene,label"]
    gff = ["##gff-version 3"]
    for i, start in enumerate(generator.integers(0, whole.end - 200, size=30)):
        label, strand = i % 2, "+-"[i % 3 == 0]
        end = int(start) + 60 + i
        places.append(f"{whole.contig},{start},{end},{strand},{label}")
        names.append(f"g{i},{label}")
        gff.append(f"{whole.contig}\tx\tCDS\t{start + 1}\t{end}\t.\t{strand}\t0\tID=c{i};gene=g{i}")
    for name, lines in (("places.csv", places), ("names.csv", names), ("a.gff3", gff)):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    found = []
    for words in (
        ["--genes", tmp_path / "places.csv"],
        ["--genes", tmp_path / "names.csv", "--annotation", tmp_path / "a.gff3"],
    ):
        out = tmp_path / "f.json"
        given = ["essentiality", run, *words, "--json", out, "--quiet"]
        assert main([str(word) for word in given]) == 0
        found.append(load_findings(out))
    assert found[0].tables == found[1].tables
    assert [row[:2] for row in found[0].table("essentiality").rows] == [
        ("run", "model"), ("run, random bases", "control"), ("run, untrained", "untrained"),
        ("gene length", "trivial"), ("GC of the window", "trivial"), ("random", "trivial"),
    ]  # fmt: skip
    assert "no likelihood changes at all" in found[0].sentences[-1]
    assert "Windows of 128 bases" in found[0].notes[0]
    capsys.readouterr()
    assert main(["essentiality", str(run), "--genes", str(tmp_path / "names.csv")]) == 2
    assert "with gene and label alone, give --annotation" in capsys.readouterr().err
    assert main(["essentiality", str(run)]) == 2
    assert "--genes is missing" in capsys.readouterr().err
