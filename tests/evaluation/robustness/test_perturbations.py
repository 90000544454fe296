"""Noise: its rates, what each kind does to a sequence, and which bases it leaves as they were."""

from itertools import pairwise

import numpy as np
import pytest

from genomenet.evaluation.robustness import perturbations
from genomenet.evaluation.robustness.perturbations import DNA_PERTURBATIONS, TEXT_PERTURBATIONS
from genomenet.genome.alphabet import decode, encode

SIZE = 40_000
RATED = [one for one in (*DNA_PERTURBATIONS, *TEXT_PERTURBATIONS) if one.rated]


def bases(size=SIZE, seed=1):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 5, size).astype(np.uint8), rng.random(size) < 0.4


def text(words="The größer Patch, of 2 Bytes. ", times=1):
    codes = np.frombuffer((words * times).encode(), dtype=np.uint8)
    return codes, np.zeros(codes.size, dtype=bool)


def edit(name, codes, masked, rate=0.0, seed=0):
    function = getattr(perturbations, name)
    return function(codes, masked, rate, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", [*DNA_PERTURBATIONS, *TEXT_PERTURBATIONS], ids=lambda x: x.name)
def test_origins_are_of_the_same_bases_in_order(kind):
    codes, masked = bases() if kind in DNA_PERTURBATIONS else text(times=50)
    before = codes.copy()
    edited = kind.edit(codes, masked, 0.1, np.random.default_rng(2))
    assert (codes == before).all()
    assert edited.codes.shape == edited.masked.shape == edited.origin.shape
    kept = edited.origin >= 0
    assert (edited.codes[kept] == codes[edited.origin[kept]]).all()
    assert (edited.masked[kept] == masked[edited.origin[kept]]).all()
    assert (np.diff(edited.origin[kept]) > 0).all()


@pytest.mark.parametrize("kind", RATED, ids=lambda x: x.name)
def test_rate_zero_changes_nothing(kind):
    codes, masked = bases(500) if kind in DNA_PERTURBATIONS else text(times=5)
    edited = kind.edit(codes, masked, 0.0, np.random.default_rng(2))
    assert (edited.codes == codes).all()
    assert (edited.masked == masked).all()
    assert (edited.origin == np.arange(codes.size)).all()


@pytest.mark.parametrize("rate", [0.02, 0.2])
def test_rates(rate):
    codes, masked = bases()
    near = {"rel": 5 / np.sqrt(rate * SIZE)}
    known = codes < 4
    changed = edit("substitute", codes, masked, rate)
    assert (changed.codes != codes).sum() == pytest.approx(rate * known.sum(), **near)
    assert (changed.codes[~known] == 4).all()
    steps = (changed.codes - codes)[changed.codes != codes] % 4
    assert np.bincount(steps, minlength=4)[1:] == pytest.approx(steps.size / 3, rel=0.2)
    assert SIZE - edit("delete", codes, masked, rate).codes.size == pytest.approx(
        rate * SIZE, **near
    )
    longer = edit("insert", codes, masked, rate)
    assert longer.codes.size - SIZE == pytest.approx(rate * SIZE, **near)
    assert (longer.codes[longer.origin >= 0] == codes).all()
    assert longer.codes[longer.origin < 0].max() == 3
    hidden = edit("mask_with_n", codes, masked, rate)
    assert (hidden.codes != codes).sum() == pytest.approx(rate * known.sum(), **near)
    flipped = edit("flip_case", codes, masked, rate)
    assert (flipped.masked != masked).sum() == pytest.approx(rate * SIZE, **near)
    assert (flipped.codes == codes).all()
    doubled = edit("duplicate", codes, masked, rate)
    assert doubled.codes.size - SIZE == pytest.approx(rate * SIZE, rel=25 / np.sqrt(rate * SIZE))


def test_duplicated_units_stand_behind_themselves():
    codes, masked = bases(3000)
    edited = edit("duplicate", codes, masked, 0.1)
    noise = edited.origin < 0
    starts = np.flatnonzero(noise & ~np.roll(noise, 1))
    ends = np.flatnonzero(noise & ~np.roll(noise, -1)) + 1
    alone = 0
    for start, end, before in zip(starts, ends, [0, *ends], strict=False):
        unit = end - start
        assert unit >= 2
        # Of events in a row, the later one copies bases of the sequence as it was.
        if unit <= 20 and start - unit >= before:
            assert (edited.codes[start:end] == edited.codes[start - unit : start]).all()
            alone += 1
    assert alone > 10
    assert (edited.codes[~noise] == codes).all()


def test_strand_and_case():
    masked = np.array([True, False, False, True, False])
    found = edit("other_strand", encode("AACGN"), masked)
    assert decode(found.codes) == "NCGTT"
    assert found.masked.tolist() == masked[::-1].tolist()
    assert (found.origin < 0).all()
    found = edit("unmask", encode("AACGN"), masked)
    assert not found.masked.any()
    assert found.origin.tolist() == [-1, 1, 2, -1, 4]


def test_text_as_hnet_has_it():
    codes, masked = text("Aß b")
    found = edit("antspeak", codes, masked)
    assert found.codes.tobytes().decode() == "A ß   B "
    assert found.origin.tolist() == [0, -1, 1, 2, -1, 3, -1, -1, -1]
    assert edit("upper_case", codes, masked).codes.tobytes().decode() == "Aß B"
    codes, masked = text(times=400)
    cases = edit("random_case", codes, masked).codes.tobytes().decode()
    assert cases.lower() == codes.tobytes().decode().lower()
    letters = [one for one in cases if one.isascii() and one.isalpha()]
    assert np.mean([one.isupper() for one in letters]) == pytest.approx(0.5, abs=0.03)


def test_text_is_dropped_and_repeated_by_whole_characters():
    codes, masked = text(times=400)
    characters = codes.tobytes().decode()
    left = edit("drop", codes, masked, 0.1).codes.tobytes().decode()
    assert 1 - len(left) / len(characters) == pytest.approx(0.1, abs=0.02)
    found = edit("repeat", codes, masked, 0.2)
    more = found.codes.tobytes().decode()
    assert len(more) / len(characters) - 1 == pytest.approx(0.2 * 2, rel=0.1)
    # A character's copies stand right behind it, up to the next one that was there before.
    places = [*np.flatnonzero(found.origin >= 0).tolist(), found.codes.size]
    heads = [p for p in places[:-1] if codes[found.origin[p]] & 0xC0 != 0x80] + [places[-1]]
    groups = [found.codes[a:b].tobytes().decode() for a, b in pairwise(heads)]
    assert [group[0] for group in groups] == list(characters)
    assert all(group == group[0] * len(group) for group in groups)
    times = np.bincount([len(group) for group in groups])
    assert times.size == 5
    assert times[2:] == pytest.approx(0.2 * len(characters) / 3, rel=0.15)
