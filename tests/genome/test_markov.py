"""Tests of genome/markov.py against an oracle of dictionaries and loops."""

import math
from collections import defaultdict

import numpy as np
import pytest

from genomenet.genome import markov
from genomenet.genome.intervals import Interval
from genomenet.genome.markov import (
    MarkovModel,
    count_words,
    distributions,
    entropy_tables,
    fit,
    score,
)


class Codes:
    """A genome in memory."""

    def __init__(self, **contigs):
        self.contigs = contigs

    def read(self, contig, start, end):
        return self.contigs[contig][start:end]


@pytest.fixture
def genome():
    generator = np.random.default_rng(5)
    a = generator.choice(5, 3000, p=[0.3, 0.2, 0.2, 0.27, 0.03]).astype(np.uint8)
    b = np.tile(np.array([0, 1, 2, 3, 3, 0], dtype=np.uint8), 60)
    return Codes(a=a, b=b)


TRAINING = [Interval("a", 0, 700), Interval("a", 701, 1500), Interval("b", 3, 200)]
WINDOWS = [Interval("a", s, s + 97) for s in range(2000, 2800, 97)] + [Interval("b", 200, 300)]


def oracle_counts(genome, intervals, order, both):
    counts = [defaultdict(int) for _ in range(order + 1)]
    for interval in intervals:
        forward = genome.read(interval.contig, interval.start, interval.end).tolist()
        strands = [forward]
        if both:
            strands.append([x if x == 4 else 3 - x for x in reversed(forward)])
        for bases in strands:
            for i, base in enumerate(bases):
                for k in range(order + 1):
                    word = tuple(bases[max(0, i - k) : i + 1])
                    if i >= k and 4 not in word and base < 4:
                        counts[k][word] += 1
    return counts


def oracle_score(genome, windows, counts, strengths):
    nats, scored = [0.0] * len(strengths), 0
    for window in windows:
        bases = genome.read(window.contig, window.start, window.end).tolist()
        for i, base in enumerate(bases):
            if base == 4:
                continue
            scored += 1
            p = [0.25] * 4
            for k, strength in enumerate(strengths):
                context = tuple(bases[i - k : i]) if i >= k else (4,)
                if 4 not in context:
                    row = [counts[k][(*context, y)] for y in range(4)]
                    p = [
                        (c + strength * q) / (sum(row) + strength)
                        for c, q in zip(row, p, strict=True)
                    ]
                nats[k] -= math.log(p[base])
    return nats, scored


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("block", [64, 1 << 20])
@pytest.mark.parametrize("order", [0, 1, 4])
def test_counts_are_the_oracles(genome, monkeypatch, order, block, both):
    monkeypatch.setattr(markov, "COUNTING_BLOCK", block)
    counts = count_words(genome, TRAINING, order, both)
    expected = oracle_counts(genome, TRAINING, order, both)
    for k in range(order + 1):
        grid = counts[k].reshape((4,) * (k + 1))
        found = {word: int(n) for word, n in np.ndenumerate(grid) if n}
        assert found == dict(expected[k])


@pytest.mark.parametrize("block", [50, 1 << 18])
def test_scores_are_the_oracles(genome, monkeypatch, block):
    monkeypatch.setattr(markov, "SCORING_BLOCK", block)
    strengths = (1.0, 4.0, 16.0, 2.5)
    model = MarkovModel(count_words(genome, TRAINING, 3), strengths)
    nats, bases = score(genome, WINDOWS, model)
    expected, scored = oracle_score(
        genome, WINDOWS, oracle_counts(genome, TRAINING, 3, False), strengths
    )
    assert bases == scored
    assert nats == pytest.approx(expected, rel=1e-12)


def test_probabilities_sum_to_one_and_the_first_base_has_no_context(genome):
    model = MarkovModel(count_words(genome, TRAINING, 5), (1.0,) * 6)
    codes = genome.read("a", 2000, 2400)
    orders = [p.copy() for p in distributions(codes, model)]
    for p in orders:
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(orders[5][0], orders[0][0])
    after_n = np.flatnonzero(codes == 4)[0] + 1
    np.testing.assert_array_equal(orders[5][after_n], orders[0][after_n])


def test_predictions_do_not_see_the_base_they_predict(genome):
    model = MarkovModel(count_words(genome, TRAINING, 3), (1.0,) * 4)
    codes = genome.read("a", 2000, 2100).copy()
    *_, before = distributions(codes, model)
    before = before.copy()
    codes[50] = (codes[50] + 1) % 4
    *_, after = distributions(codes, model)
    np.testing.assert_array_equal(before[:51], after[:51])


def test_fit_chooses_the_best_strength_order_by_order(genome):
    validation = [Interval("a", 1500, 1700), Interval("b", 300, 360)]
    model = fit(genome, TRAINING, validation, 3)
    for k in range(4):
        losses = []
        for strength in markov.STRENGTHS:
            tried = MarkovModel(model.counts[: k + 1], (*model.strengths[:k], strength))
            losses.append(score(genome, validation, tried)[0][k])
        assert model.strengths[k] == markov.STRENGTHS[int(np.argmin(losses))]


def test_entropy_tables_are_those_of_the_distributions(genome):
    model = MarkovModel(count_words(genome, TRAINING, 3), (1.0, 4.0, 16.0, 2.5))
    tables = entropy_tables(model)
    assert [table.shape for table in tables] == [(1,), (4,), (16,), (64,)]
    assert {table.dtype for table in tables} == {np.dtype(np.float32)}
    codes = genome.read("a", 2000, 2400)
    *_, p = distributions(codes, model)
    for i in np.flatnonzero(codes[1:] < 4) + 1:
        context = []
        for code in codes[max(0, i - 3) : i][::-1]:
            if code == 4:
                break
            context.insert(0, int(code))
        row = sum(code * 4**j for j, code in enumerate(reversed(context)))
        expected = -(p[i] * np.log(p[i])).sum()
        assert tables[len(context)][row] == pytest.approx(expected, abs=1e-6)
