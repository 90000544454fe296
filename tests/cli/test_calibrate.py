"""`genomenet calibrate` as a user meets it."""

import json

import pytest

from genomenet.cli.main import main


def fails(capsys, *words) -> str:
    """The one line a failing command prints."""
    assert main(["calibrate", *map(str, words)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


@pytest.fixture
def data(genome_folder):
    return [
        "--data.genome", str(genome_folder), "--data.max_length", "128",
        "--data.split.block_bp", "1000", "--sample_bp", "20000",
    ]  # fmt: skip


def test_a_patcher_from_the_command_line(capsys, data, tmp_path):
    out = tmp_path / "patcher"
    words = ["--kind", "markov", "--order", "3", "--target", "3", *data, "--out", str(out)]
    assert main(["calibrate", *words]) == 0
    text = capsys.readouterr().out
    assert "threshold 1." in text or "threshold 0." in text
    assert f"--model.chunker markov --model.patcher {out} --model.targets 3" in text
    record = json.loads((out / "patcher.json").read_text())
    assert record["command"].startswith("genomenet calibrate --kind markov")
    assert record["config"]["order"] == 3
    assert "not an empty folder" in fails(capsys, *words)


def test_a_config_file(capsys, data, tmp_path):
    config = tmp_path / "patcher.yaml"
    config.write_text(
        f"kind: bpe\nvocab_size: 40\ndata:\n  genome: {data[1]}\n  max_length: 128\n"
        "  split:\n    block_bp: 1000\n"
    )
    out = tmp_path / "patcher"
    assert main(["calibrate", "--config", str(config), "--out", str(out)]) == 0
    assert json.loads((out / "patcher.json").read_text())["vocab_size"] == 40
    config.write_text("kindd: bpe\n")
    assert "did you mean 'kind'" in fails(capsys, "--config", config, "--out", tmp_path / "b")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--kind", "markof"], "kind"),
        (["--target", "1"], "target is 1"),
        (["--order", "13"], "order is 13"),
        (["--max_chunk", "3"], "max_chunk is 3"),
        (["--reset_bp", "-1"], "reset_bp is -1"),
        (["--kind", "entropy"], "entropy_model is missing"),
        (["--kind", "track"], "data.track is missing"),
        (["--sample_bp", "100"], "sample_bp is 100"),
        (["--kind", "entropy", "--entropy_model", "nowhere"], "nowhere is not a run"),
    ],
)
def test_mistakes_are_told_in_a_sentence(capsys, data, tmp_path, words, says):
    line = fails(capsys, *data, *words, "--out", tmp_path / "patcher")
    assert says in line
    assert not (tmp_path / "patcher").exists()


def test_data_must_be_named(capsys, tmp_path):
    assert "data.genome is missing" in fails(capsys, "--out", tmp_path / "patcher")
