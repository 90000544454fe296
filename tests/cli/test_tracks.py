"""`genomenet tracks`: a folder of tracks from a run, and the sentences for what can't be."""

import pyBigWig
import pytest

from genomenet.cli.main import main


@pytest.fixture(scope="module")
def run(tmp_path_factory, genome_folder):
    folder = tmp_path_factory.mktemp("runs") / "tree"
    words = ["--data.max_length", "128", "--data.split.block_bp", "5000",
             "--data.split.test_fraction", "0.2", "--train.max_steps", "3",
             "--train.global_batch_size", "2", "--train.valid_windows", "2",
             "--train.accelerator", "cpu", "--model.layout", "m1 + T1 + m1", "--model.d_model",
             "16", "--model.head_dim", "8", "--model.d_state", "4", "--model.mamba_head_dim",
             "8"]  # fmt: skip
    genome = f"--data.genome={genome_folder}"
    assert main(["train", "--out", str(folder), genome, *words, "--quiet"]) == 0
    return folder


def test_a_run_becomes_tracks(run, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["tracks", str(run), "--out", str(out), "--windows", "3", "--quiet"]) == 0
    assert "tree.surprise.bw" in capsys.readouterr().out
    with pyBigWig.open(str(out / "tree.surprise.bw")) as handle:
        assert 2 * 128 < handle.header()["nBasesCovered"] <= 3 * 128
    with pyBigWig.open(str(out / "tree.compute.bw")) as handle:
        assert handle.header()["minVal"] < handle.header()["maxVal"]
    assert (out / "tree.stage0.chunk-starts.bed").read_text().count("\n") > 3
    assert "genome: " in (out / "tracks.txt").read_text()


def test_formats_are_chosen(run, tmp_path):
    out = tmp_path / "out"
    words = ["--windows", "2", "--quiet", "--formats", "bedgraph"]
    assert main(["tracks", str(run), "--out", str(out), *words]) == 0
    assert {path.suffix for path in out.iterdir()} == {".bedGraph", ".sizes", ".txt"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere", "--out", "x"], "nowhere is not a run"),
        (["--out", "x"], "name at least one run"),
        (["nowhere"], "--out is missing"),
        (["nowhere", "--out", "x", "--formats", "wig"], "formats"),
        (["nowhere", "--out", "x", "--split", "test", "--bed", "y"], "leave out --genome and"),
    ],
)
def test_mistakes_get_one_sentence(words, told, capsys):
    assert main(["tracks", *words]) == 2
    assert told in capsys.readouterr().err
