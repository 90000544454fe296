"""Tests of evaluation/confidence.py and study/confidence.py against variances and tables."""

import dataclasses
import math

import numpy as np
import pytest

from genomenet.evaluation.confidence import (
    bootstrap_interval,
    likelihood_interval,
    paired_difference,
    seed_interval,
)
from genomenet.study.confidence import difference_interval
from tests.study.example_study import arm_run, likelihood


def test_bootstrap_width_is_the_normal_one_for_many_equal_windows():
    generator = np.random.default_rng(0)
    bases = np.full(400, 100)
    nats = generator.normal(1.3, 0.1, 400) * bases
    interval = bootstrap_interval(nats, bases)
    expected = 1.96 * np.std(nats / bases, ddof=1) / math.sqrt(400)
    assert interval.centre == pytest.approx(nats.sum() / bases.sum())
    assert interval.high - interval.centre == pytest.approx(expected, rel=0.1)
    assert interval.centre - interval.low == pytest.approx(expected, rel=0.1)
    assert interval == bootstrap_interval(nats, bases)


def test_bootstrap_is_of_the_ratio_of_sums():
    # Loss proportional to bases: every resample gives the same ratio, whatever the window sizes.
    bases = np.array([10, 1000, 37, 400])
    interval = bootstrap_interval(1.25 * bases, bases)
    assert (interval.low, interval.centre, interval.high) == pytest.approx((1.25, 1.25, 1.25))


def test_bootstrap_covers_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(1)
    hits = 0
    for i in range(200):
        bases = generator.integers(500, 1000, 80)
        nats = generator.normal(1.3, 0.2, 80) * bases
        interval = bootstrap_interval(nats, bases, draws=400, seed=i)
        hits += interval.low <= 1.3 <= interval.high
    assert 0.90 <= hits / 200 <= 0.99


def test_empty_windows_change_nothing_and_one_window_bounds_nothing():
    assert bootstrap_interval([10, 20, 0], [10, 15, 0]) == bootstrap_interval([10, 20], [10, 15])
    one = bootstrap_interval([13.0], [10])
    assert one.centre == pytest.approx(1.3)
    assert (one.low, one.high) == (-math.inf, math.inf)
    assert not one.excludes_zero
    with pytest.raises(ValueError, match="windows have nats"):
        bootstrap_interval([1.0, 2.0], [1])


def test_pairing_finds_what_separate_intervals_cannot():
    a, b = likelihood("final", 1.30, 1), likelihood("final", 1.29, 2)
    difference = paired_difference(a, b)
    assert difference.centre == pytest.approx(0.01, abs=1e-6)
    assert difference.excludes_zero
    alone_a, alone_b = likelihood_interval([a]), likelihood_interval([b])
    assert alone_a.low < alone_b.high  # overlap: unpaired, the two cannot be told apart
    with pytest.raises(ValueError, match="different held-out windows"):
        paired_difference(a, dataclasses.replace(b, window_bases=b.window_bases[::-1]))


@pytest.mark.parametrize(
    ("freedom", "table"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (10, 2.228), (30, 2.042)],
)
def test_student_t_matches_the_table(freedom, table):
    values = np.arange(freedom + 1.0)
    interval = seed_interval(values)
    error = values.std(ddof=1) / math.sqrt(values.size)
    assert (interval.high - interval.centre) / error == pytest.approx(table, abs=6e-4)


def test_seed_interval_is_mean_and_t():
    interval = seed_interval([1.0, 2.0, 3.0])
    assert interval.centre == 2.0
    assert interval.high == pytest.approx(2 + 4.3027 / math.sqrt(3), abs=1e-3)
    assert (interval.basis, interval.n) == ("seeds", 3)
    with pytest.raises(ValueError, match="at least 2 seeds"):
        seed_interval([1.0])


def test_the_basis_is_seeds_when_there_are_two():
    one, two = arm_run("m", 1), arm_run("m", 2)
    assert likelihood_interval([one.final]).basis == "windows"
    assert likelihood_interval([one.final, two.final]).basis == "seeds"


def test_differences_pair_shared_seeds_only():
    m = [arm_run("m", seed) for seed in (1, 2, 3)]
    t = [arm_run("t", seed) for seed in (2, 3, 4)]
    both = difference_interval(t, m)
    expected = [t[0].final.nats - m[1].final.nats, t[1].final.nats - m[2].final.nats]
    assert both == seed_interval(expected)
    assert difference_interval(t[:1], m[1:2]) == paired_difference(t[0].final, m[1].final)
    none_shared = difference_interval(t[2:], m[:1])
    assert none_shared.basis == "windows"
    assert none_shared.centre == pytest.approx(t[2].final.nats - m[0].final.nats)
    before = difference_interval(t, m, "before decay")
    assert before.centre == pytest.approx(both.centre)
    with pytest.raises(ValueError, match="no likelihood before decay"):
        difference_interval([dataclasses.replace(t[0], before_decay=None)], m, "before decay")
