"""Targets against made-up results: what is worst, what is best, and how often they hold."""

import pytest
import targets
from targets import Target

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
    monkeypatch.setattr(targets, "rows", lambda *names: tables[names])


def test_a_peer_is_as_fast_as_its_fastest_setting():
    assert targets.peers("Mamba-2", "chunk size 256") == [6.0]
    assert targets.peers("Mamba-2") == [2.0]
    assert targets.peers("BLT") == []


def test_decoding_is_by_arm_and_batch():
    assert targets.decoding("H-Net", 1) == [1.6, 1.4]
    assert targets.decoding("H-Net", 32) == [1.2]
    assert targets.decoding("BLT", 1) == []


def test_bounds_are_within_and_on_either_side():
    assert Target("least", lambda: [2.0, 1.5, 1.0], least=1.5).row() == {
        "what": "least",
        "wanted": "at least x1.50",
        "found": "x1.00 to x2.00",
        "holds": "2 of 3",
    }
    row = Target("most", lambda: [6.25, 5.0], most=5.0, unit="s").row()
    assert (row["wanted"], row["found"]) == ("at most 5.00 s", "5.00 s to 6.25 s")
    assert row["holds"] == "1 of 2"
    assert Target("none", list, least=1.0).row()["found"] == "not measured"
