"""Tests of study/floors.py: names, values with closed forms, and who may see what."""

import math

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.genome.alphabet import DNA
from genomenet.genome.intervals import Interval
from genomenet.genome.text import TextCorpus
from genomenet.study.floors import best_floor, trivial_floors


class Codes:
    alphabet = DNA

    def __init__(self, codes):
        self.codes, self.reads = codes, []

    def read(self, contig, start, end):
        self.reads.append((start, end))
        return self.codes[start:end]


def windows(start, end, length=500):
    return [Interval("a", s, s + length) for s in range(start, end, length)]


def test_rows_approach_the_entropies_of_the_source():
    generator = np.random.default_rng(2)
    share = np.array([0.4, 0.1, 0.1, 0.4])
    codes = generator.choice(4, 60_000, p=share).astype(np.uint8)
    codes[2::3] = (codes[0::3] + 2 * codes[1::3]) % 4  # every third base follows from two before
    floors = trivial_floors(
        Codes(codes),
        [Interval("a", 0, 50_000)],
        windows(50_000, 55_000),
        windows(55_000, 60_000),
        3,
    )
    assert [floor.name for floor in floors] == [
        "uniform",
        "base composition",
        "order-1 Markov",
        "order-2 Markov",
        "order-3 Markov",
    ]
    assert floors[0].nats == math.log(4)
    frequency = np.bincount(codes[:50_000]) / 50_000
    held_out = np.bincount(codes[55_000:]) / 5_000
    assert floors[1].nats == pytest.approx(-(held_out * np.log(frequency)).sum(), abs=1e-3)
    assert floors[3].nats < floors[1].nats - 0.05
    assert best_floor(floors).nats == min(floor.nats for floor in floors)
    assert best_floor([]) is None


def test_text_has_the_rows_that_bytes_allow(tmp_path):
    (tmp_path / "a").write_bytes(b"aaab" * 100)
    text = TextCorpus(tmp_path / "a")
    floors = trivial_floors(text, [Interval("a", 0, 200)], [], [Interval("a", 200, 400)])
    assert [floor.name for floor in floors] == ["uniform", "byte composition"]
    assert math.exp(floors[0].nats) == pytest.approx(256)
    common, rare = 151 / 456, 51 / 456
    assert floors[1].nats == pytest.approx(-0.75 * math.log(common) - 0.25 * math.log(rare))


def test_too_long_an_order_backs_off_instead_of_overfitting():
    codes = np.random.default_rng(3).integers(0, 4, 12_000).astype(np.uint8)
    floors = trivial_floors(
        Codes(codes), [Interval("a", 0, 8_000)], windows(8_000, 10_000), windows(10_000, 12_000), 8
    )
    assert max(floor.nats for floor in floors) < math.log(4) + 0.01


def test_counts_come_from_training_only():
    codes = np.zeros(3_000, dtype=np.uint8)
    codes[2_000:] = 1  # the held-out base never occurs in training
    floors = trivial_floors(
        Codes(codes), [Interval("a", 0, 1_000)], windows(1_000, 2_000), windows(2_000, 3_000), 0
    )
    assert floors[1].nats > 5
    both = trivial_floors(
        Codes(3 - codes), [Interval("a", 0, 1_000)], windows(1_000, 2_000),
        [Interval("a", 0, 10)], 0, both_strands=True,
    )  # fmt: skip
    assert "both strands" in both[1].note


def test_a_long_validation_split_is_taken_evenly_in_windows(monkeypatch):
    monkeypatch.setattr("genomenet.study.floors.STRENGTH_BP", 1_000)
    genome = Codes(np.random.default_rng(4).integers(0, 4, 10_000).astype(np.uint8))
    training, split = [Interval("a", 0, 1_000)], [Interval("a", 1_000, 9_000)]
    trivial_floors(genome, training, split, windows(9_000, 10_000, 250), 2)
    read = [(start, end) for start, end in genome.reads if 1_000 <= start < 9_000]
    assert sum(end - start for start, end in read) == 1_000
    assert read[0] == (1_000, 1_250)
    assert read[-1] == (7_000, 7_250)


@pytest.mark.parametrize("order", [-1, 13])
def test_a_wrong_order_is_refused(order):
    with pytest.raises(UserError, match="Markov order"):
        trivial_floors(Codes(np.zeros(9, dtype=np.uint8)), [], [], [], order)


def test_held_out_n_is_refused():
    codes = np.full(2_000, 4, dtype=np.uint8)
    codes[:1_000] = 0
    with pytest.raises(UserError, match="hold no A, C, G or T"):
        trivial_floors(
            Codes(codes), [Interval("a", 0, 500)], windows(500, 1_000), windows(1_000, 2_000), 1
        )
