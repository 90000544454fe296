"""`genomenet data` as a user types it, and the configs that go with its recipes."""

import gzip
import socket

import pytest

from genomenet.cli.main import main
from genomenet.cli.parsing import VerbParser
from genomenet.models.presets import config_folder
from genomenet.recipes.recipe import find_recipe, shipped_recipes
from genomenet.training.config import RunConfig
from tests.recipes.kitchens import write_recipe

FASTA = gzip.compress(b">chr1\nACGTNacgt\n", mtime=0)


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A recipe whose file lies in usb/, to be run without a network."""

    def refuse(*_):
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb" / "g.fa.gz").write_bytes(FASTA)
    return str(
        write_recipe(
            tmp_path,
            files=[{"url": "https://example.org/g.fa.gz", "bytes": len(FASTA)}],
            steps=[{"import": {"files": ["g.fa.gz"]}}],
            next="genomenet train --data.genome {folder}/genome --out runs/tiny",
        )
    )


def run(capsys, *words) -> str:
    assert main(["data", *words]) == 0
    return capsys.readouterr().out


def fail(capsys, *words) -> str:
    assert main(["data", *words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_list_has_a_line_for_every_recipe(capsys):
    lines = run(capsys, "list").splitlines()
    names = list(shipped_recipes())
    assert lines[0].split() == ["recipe", "size", "licence", "what"]
    assert [line.split()[0] for line in lines[1 : len(names) + 1]] == names
    (line,) = [line for line in lines if line.startswith("hg38 ")]
    assert "984 MB" in line


def test_list_tells_all_about_one(capsys):
    text = run(capsys, "list", "genomic-benchmarks", "hg38")
    for told in ("needs     hg38", "licence   Apache-2.0", "step      cut", "checked   Names and"):
        assert told in text
    assert find_recipe("hg38").files[0].url in text


def test_fetch_ends_with_a_genome_and_the_next_step(tiny, tmp_path, capsys):
    text = run(capsys, "fetch", tiny, "--offline-dir", "usb")
    assert "data/tiny/genome: 1 contigs, 9 bases" in text
    assert "data/tiny: finished" in text
    assert "next: genomenet train --data.genome data/tiny/genome --out runs/tiny" in text
    assert "data/tiny: everything was there already" in run(capsys, "fetch", tiny, "--quiet")

    text = run(capsys, "verify")
    assert "ok    data/tiny/g.fa.gz" in text
    assert "ok    data/tiny/genome/bases.u8" in text
    (tmp_path / "data/tiny/g.fa.gz").write_bytes(b"x" * len(FASTA))
    assert main(["data", "verify", "tiny"]) == 2
    printed = capsys.readouterr()
    assert "has another SHA-256 than in the manifest  data/tiny/g.fa.gz" in printed.out
    assert "1 of " in printed.err


def test_dry_run_touches_nothing(tiny, tmp_path, capsys):
    before = sorted(tmp_path.rglob("*"))
    text = run(capsys, "fetch", tiny, "hg38", "--dry-run")
    assert f"g.fa.gz: https://example.org/g.fa.gz ({len(FASTA)} bytes; no checksum" in text
    assert "983,659,424 bytes; md5" in text
    assert "then import" in text
    assert "GB free" in text
    assert "from usb" in run(capsys, "fetch", tiny, "--dry-run", "--offline-dir", "usb")
    assert sorted(tmp_path.rglob("*")) == before
    run(capsys, "fetch", tiny, "--offline-dir", "usb")
    assert "tiny: everything is there already" in run(capsys, "fetch", tiny, "--dry-run")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lst"], "can't 'lst'; did you mean 'list'?"),
        (["list", "hg39"], "there is no recipe 'hg39'; did you mean"),
        (["fetch"], "names is missing"),
        (["fetch", "hg38", "--ofline-dir", "x"], "did you mean '--offline-dir'?"),
        (["fetch", "hg38", "--offline-dir", "usb"], "1 of 1 files of hg38 are missing"),
        (["fetch", "traitgym"], "run `genomenet data fetch hg38 --out data` first"),
        (["fetch", "gtdb"], "give --accessions FILE"),
        (["verify"], "data holds no finished recipe"),
        (["verify", "hg38"], "data/hg38 has no manifest"),
    ],
)
def test_mistakes_in_one_sentence(tiny, capsys, words, message):
    assert message in fail(capsys, *words)


def test_usage(capsys):
    assert "bench" in run(capsys)
    with pytest.raises(SystemExit):
        main(["data", "fetch", "--help"])
    assert "--offline-dir" in capsys.readouterr().out


@pytest.mark.parametrize("path", sorted((config_folder() / "data").glob("*.yaml")), ids=str)
def test_configs_go_with_a_model_and_with_what_their_recipe_makes(path):
    parser = VerbParser("train", "", "")
    parser.add_config(RunConfig)
    parsed = parser.read(["--config", "laptop-mamba2", "--config", path.stem])
    config = parser.config(RunConfig, parsed).check()
    assert config.model.layout == "M6"
    assert config.data.genome == f"data/{path.stem}/genome"
    recipe = find_recipe(path.stem)
    assert f"--config {path.stem} " in recipe.next
    split = config.data.split
    if split.by == "bed":
        assert split.bed == f"data/{path.stem}/{recipe.files[1].path}"
    else:
        assert not set(split.train) & {*split.valid, *split.test}
        autosomes = {len(split.train) + len(split.valid) + len(split.test) - 1}
        assert autosomes == {19 if path.stem == "mm39" else 22}
