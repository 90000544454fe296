"""Dinucleotide shuffles keep what they promise, and are drawn evenly."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import chisquare

from genomenet.evaluation.shuffle import shuffle_dinucleotides


def pairs(codes) -> Counter:
    return Counter(zip(codes[:-1].tolist(), codes[1:].tolist(), strict=True))


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 50, 3000])
@pytest.mark.parametrize("letters", [1, 2, 5])
def test_dinucleotides_and_both_ends_are_kept(length, letters):
    rng = np.random.default_rng(length)
    codes = rng.integers(0, letters, length).astype(np.uint8)
    shuffled = shuffle_dinucleotides(codes, rng)
    assert pairs(shuffled) == pairs(codes)
    assert (shuffled[0], shuffled[-1]) == (codes[0], codes[-1])
    assert shuffled.dtype == codes.dtype


def test_long_sequences_are_really_shuffled():
    codes = np.random.default_rng(0).integers(0, 4, 3000).astype(np.uint8)
    shuffled = shuffle_dinucleotides(codes, np.random.default_rng(1))
    assert 0.2 < (shuffled == codes).mean() < 0.3


def test_a_seed_fixes_the_shuffle():
    codes = np.random.default_rng(0).integers(0, 4, 200).astype(np.uint8)
    a, b, c = (shuffle_dinucleotides(codes, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (a == b).all()
    assert (a != c).any()


@pytest.mark.parametrize("word", ["ACAGATC", "AACGACGA", "ACACGGCA"])
def test_all_sequences_of_the_same_dinucleotides_are_equally_likely(word):
    codes = np.array(["ACGT".index(letter) for letter in word], dtype=np.uint8)
    possible = {
        bytes(one) for one in permutations(codes.tolist()) if pairs(np.array(one)) == pairs(codes)
    }
    # A shuffle can't move the ends, and the dinucleotides alone may allow a rotation.
    possible = {one for one in possible if (one[0], one[-1]) == (codes[0], codes[-1])}
    assert len(possible) > 1
    rng = np.random.default_rng(5)
    drawn = Counter(shuffle_dinucleotides(codes, rng).tobytes() for _ in range(300 * len(possible)))
    assert set(drawn) == possible
    assert chisquare(list(drawn.values())).pvalue > 1e-3
