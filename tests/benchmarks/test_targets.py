"""Targets against made-up results: what is worst, what is best, and how often they hold."""

from pathlib import Path

import pytest
import targets
from targets import TARGETS, Target

HERE = Path("results")

PEERS = [
    {"arm": "Mamba-2", "parameters": 1e6, "window": 1024, "precision": "float32", **row}
    for row in (
        {"theirs": "chunk size 256", "ours is": 6.0},
        {"theirs": "chunk size 64", "ours is": 2.0},
    )
]
DECODING = [
    {"arm": "H-Net, Mamba-2 within", "batch": 1, "times": 1.6},
    {"arm": "H-Net, Transformer within", "batch": 1, "times": 1.4},
    {"arm": "H-Net, Mamba-2 within", "batch": 32, "times": 1.2},
    {"arm": "BLT", "batch": 1, "times": None},
]


@pytest.fixture(autouse=True)
def results(monkeypatch):
    tables = {
        ("training", "Beside transformers, with the same weights"): PEERS,
        ("inference", "Decoding"): DECODING,
    }
    monkeypatch.setattr(targets, "rows", lambda *names: tables[names[:2]])


def test_a_peer_is_as_fast_as_its_fastest_setting():
    assert targets.peers(HERE, "Mamba-2", "chunk size 256") == [6.0]
    assert targets.peers(HERE, "Mamba-2") == [2.0]
    assert targets.peers(HERE, "BLT") == []


def test_decoding_is_by_arm_and_batch():
    assert targets.decoding(HERE, "H-Net", 1) == [1.6, 1.4]
    assert targets.decoding(HERE, "H-Net", 32) == [1.2]
    assert targets.decoding(HERE, "BLT", 1) == []


def test_bounds_are_within_and_on_either_side():
    least = Target("least", lambda results: [2.0, 1.5, 1.0], least=1.5)
    assert least.wanted == "at least x1.50"
    assert least.found(HERE) == ("x1.00 to x2.00", "2 of 3")
    most = Target("most", lambda results: [6.25, 5.0], most=5.0, unit="s")
    assert most.wanted == "at most 5.00 s"
    assert most.found(HERE) == ("5.00 s to 6.25 s", "1 of 2")
    assert Target("none", lambda results: [], least=1.0).found(HERE) == ("not measured", "")


def test_every_folder_of_results_has_its_columns(monkeypatch):
    """And each is asked for its own."""
    by_folder = {targets.RESULTS: [2.0], Path("results/old"): [1.0]}
    monkeypatch.setattr(targets, "OTHERS", (Path("results/old"),))
    monkeypatch.setattr(
        targets, "TARGETS", (Target("speed", lambda results: by_folder[results], least=1.5),)
    )
    heading, _, line = targets.table().splitlines()
    assert heading == "| target | wanted | found | holds in | found, old | holds in, old |"
    assert line == "| speed | at least x1.50 | x2.00 to x2.00 | 1 of 1 | x1.00 to x1.00 | 0 of 1 |"


def test_results_of_others_are_there():
    for folder in targets.OTHERS:
        for name in ("training", "inference", "startup"):
            assert (folder / f"{name}.json").exists()
    assert len({target.what for target in TARGETS}) == len(TARGETS)
