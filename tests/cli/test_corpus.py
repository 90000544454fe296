"""`genomenet corpus`: building, adding, showing, and what a user can get wrong."""

import pytest

from genomenet.cli.main import main
from tests.genome.genomes import made_up, manifest, write_genomes


def run(capsys, *words) -> str:
    assert main(["corpus", *map(str, words)]) == 0
    return capsys.readouterr().out


def fails(capsys, *words) -> str:
    assert main(["corpus", *map(str, words)]) == 2
    return capsys.readouterr().err


def test_build_add_and_show(capsys, tmp_path):
    genomes = made_up(6)
    write_genomes(tmp_path / "fasta", genomes)
    files = sorted((tmp_path / "fasta").iterdir())
    rows = [f"g{i:04d} fasta/{file.name} s{i % 2} {i % 2 + 0.5}" for i, file in enumerate(files)]
    table = manifest(tmp_path / "list.tsv", "name file species weight", *rows[:4])
    said = run(capsys, "build", table, "--out", tmp_path / "c", "--workers", 1, "--quiet")
    assert "4 genome(s) of 2 species" in said
    said = run(capsys, "build", tmp_path / "fasta", "--out", tmp_path / "c")
    assert "6 genome(s) of 4 species" in said
    lines = run(capsys, "show", tmp_path / "c").splitlines()
    contigs = [len(contigs) for contigs in genomes.values()]
    bases = [sum(map(len, contigs.values())) for contigs in genomes.values()]
    cells = {line.split()[0]: line.split()[1:] for line in lines}
    assert cells["s1"] == ["2", str(contigs[1] + contigs[3]), f"{bases[1] + bases[3]:,}", "1.5"]
    assert cells["all"] == ["6", str(sum(contigs)), f"{sum(bases):,}"]


def test_a_long_list_of_species_is_cut(capsys, tmp_path):
    write_genomes(tmp_path / "fasta", made_up(33, longest_bp=2_000))
    run(capsys, "build", tmp_path / "fasta", "--out", tmp_path / "c", "--workers", 1)
    said = run(capsys, "show", tmp_path / "c")
    assert "and 3 more species; --all shows them" in said
    assert len(run(capsys, "show", tmp_path / "c", "--all").splitlines()) == 33 + 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bild"], "`genomenet corpus` can't 'bild'; did you mean 'build'?"),
        (["build", "--out", "x"], "sources is missing"),
        (["build", "nowhere"], "--out is missing"),
        (["build", "nowhere", "--out", "x"], "nowhere does not exist"),
        (["build", "nowhere", "--out", "x", "--wokers", "2"], "did you mean '--workers'?"),
        (["show"], "corpus is missing"),
        (["show", "nowhere"], "nowhere is not a corpus"),
    ],
)
def test_mistakes(capsys, words, said):
    assert said in fails(capsys, *words)


def test_help(capsys):
    assert "genomenet corpus build SOURCE... --out CORPUS" in run(capsys)
    assert run(capsys, "--help") == run(capsys)
    with pytest.raises(SystemExit) as end:
        main(["corpus", "build", "--help"])
    assert end.value.code == 0
    assert "--workers" in capsys.readouterr().out
