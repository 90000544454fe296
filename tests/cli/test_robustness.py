"""`genomenet robustness` as a user meets it: runs, peers, text, a study's report, mistakes."""

import json

import numpy as np
import pytest

from genomenet.cli.main import main
from genomenet.evaluation.findings_file import load_findings
from genomenet.training.run import train
from tests.interop.peers import save

QUIET = ("--quiet", "--max_length", "64", "--windows", "3", "--rates", "0.1")


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    return save(tmp_path_factory.mktemp("peers") / "peer")


@pytest.fixture
def runs(tmp_path_factory, make_config):
    folder = tmp_path_factory.mktemp("runs")
    train(
        make_config(model={"layout": "t1 + T1 + t1"}, max_steps=2),
        folder / "hnet",
        "test",
        progress=False,
    )
    flat = make_config(model={"layout": "T1"}, max_steps=2)
    train(flat, folder / "flat", "test", progress=False)
    return folder


def told(capsys, *words: object) -> str:
    assert main(["robustness", *map(str, words), *QUIET, "--markov_order", "4"]) == 0
    return capsys.readouterr().out


def fails(capsys, *words: object) -> str:
    assert main(["robustness", *map(str, words)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    return captured.err


def test_runs_beside_peers(capsys, runs, peer, tmp_path):
    out = tmp_path / "out.json"
    masked = save(tmp_path / "masked", "bert", around=True)
    capsys.readouterr()
    text = told(
        capsys, runs / "hnet", runs / "flat", "--hf", peer, "--hf", masked, "--json", out,
        "--csv", tmp_path / "csv",
    )  # fmt: skip
    found = load_findings(out)
    names = [row[0] for row in found.table("summary").rows]
    assert names == [
        "hnet", "flat", "peer", "masked (not comparable)", "hnet, untrained", "flat, untrained",
        "order-4 Markov",
    ]  # fmt: skip
    assert "No share is given of hnet" in text or "hnet keeps" in text
    bits = {row[0]: row[1:] for row in found.table("bits").rows}
    assert len(bits) == 1 + 8
    assert all(value > 0 for value in bits["none"][1:])
    assert any("pseudo-likelihood, not comparable" in note for note in found.notes)
    assert not any(one.startswith("masked") for one in found.sentences)
    assert (tmp_path / "csv" / "robustness-summary.csv").is_file()
    assert found.inputs["rates"] == "0.1"
    again = tmp_path / "again.json"
    told(capsys, runs / "hnet", runs / "flat", "--hf", peer, "--hf", masked, "--json", again)
    assert load_findings(again).tables == found.tables
    alone = told(capsys, "--hf", peer, "--genome", json.loads(
        (runs / "flat" / "run.json").read_text())["config"]["data"]["genome"])  # fmt: skip
    assert "no Markov model stands beside" in " ".join(alone.split())


def test_text(capsys, tmp_path, peer):
    rng = np.random.default_rng(3)
    words = ["chunk", "byte", "Model", "größer", "patch"]
    (tmp_path / "text").mkdir()
    for number in range(9):
        content = " ".join(rng.choice(words, 200))
        (tmp_path / "text" / f"{number}.txt").write_text(content, encoding="utf-8")
    options = {
        "model.layout": "T1", "model.d_model": 16, "model.head_dim": 8, "model.alphabet": "bytes",
        "model.vocab_size": 256, "data.text": tmp_path / "text", "data.max_length": 64,
        "data.split.block_bp": 500, "train.max_steps": 30, "train.lr": 0.01,
        "train.accelerator": "cpu", "train.threads": 1, "train.valid_windows": 8,
    }  # fmt: skip
    flags = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    assert main(["train", *flags, "--out", str(tmp_path / "run"), "--quiet", "true"]) == 0
    capsys.readouterr()
    out = tmp_path / "out.json"
    text = told(capsys, tmp_path / "run", "--json", out)
    table = load_findings(out).table("bits")
    assert [(row[0], row[1]) for row in table.rows] == [
        ("none", None), ("antspeak", None), ("drop", 0.1), ("random case", None), ("repeat", 0.1),
        ("upper case", None),
    ]  # fmt: skip
    rows = {row[0]: row[2] for row in table.rows}
    assert rows["none"] < rows["upper case"]
    assert "byte composition" in text
    assert " base " not in text
    assert "reads bytes" in fails(capsys, tmp_path / "run", "--hf", peer, "--max_length", 64)


def test_mistakes(capsys, tmp_path, peer):
    assert "name it with --genome" in fails(capsys, "--hf", peer)
    assert "name at least one run" in fails(capsys)
    assert "--markov_order is 12" in fails(capsys, "x", "--markov_order", 12)
    assert "--seed is -1" in fails(capsys, "x", "--seed", -1)
    assert "--rates" in fails(capsys, "x", "--rates", "much")
    missing = fails(capsys, "--hf", tmp_path / "none", "--genome", "x.fa")
    assert "neither a folder nor a model in the local cache" in missing
