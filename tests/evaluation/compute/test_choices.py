"""Choices by window: no look at the answer, the budget held, controls of the same choices."""

from dataclasses import replace

import numpy as np
import pytest

from genomenet.evaluation.blocks import Blocks
from genomenet.evaluation.compute.choices import (
    SHUFFLES,
    by_surprise_before,
    choose,
    places_before,
    surprise_before,
)
from genomenet.evaluation.compute.curve import Curve, CurvePoint
from genomenet.evaluation.compute.estimates import (
    AHEAD,
    ONE,
    ORACLE,
    SHUFFLED,
    dealt_estimates,
    point_estimates,
)
from genomenet.evaluation.held_out import HeldOut
from genomenet.evaluation.sequences import score_sequences
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.intervals import Interval
from tests.evaluation.subjects import tiny_subject

WINDOWS = 40


def curve_of(hard_W, seed=0):
    """Denser boundaries help where windows are hard, and cost FLOPs."""
    rng = np.random.default_rng(seed)
    points = []
    for threshold, chunks in ((0.2, 40), (0.4, 30), (0.5, 20), (0.6, 13), (0.8, 8)):
        noise = rng.normal(0, 0.01, WINDOWS)
        points.append(
            CurvePoint(
                threshold,
                nats_W=70 + 20 * hard_W - 0.1 * chunks * hard_W + noise,
                flops_W=1000.0 + 10 * (chunks + rng.integers(-2, 3, WINDOWS)),
                scored_W=np.full(WINDOWS, 60),
                read_W=np.full(WINDOWS, 60),
                chunks_W=np.full(WINDOWS, chunks),
                positions=60 * WINDOWS,
            )
        )
    return Curve(tiny_subject("hnet mamba2"), tuple(points), 2)


@pytest.fixture
def hard_W():
    return np.random.default_rng(3).random(WINDOWS)


BLOCKS = Blocks(np.arange(WINDOWS) // 2, ("one",) * (WINDOWS // 2), 200)


def test_the_choice_knows_nothing_of_its_own_window(hard_W):
    curve = curve_of(hard_W)
    before_W = np.random.default_rng(1).random(WINDOWS)
    found = choose(curve, before_W)
    for i in range(0, WINDOWS, 7):
        points = []
        for point in curve.points:
            nats_W = point.nats_W.copy()
            nats_W[i] = np.random.default_rng(i).random() * 1000
            points.append(replace(point, nats_W=nats_W))
        other = choose(replace(curve, points=tuple(points)), before_W)
        assert (other.ahead_W == found.ahead_W).all()
    assert (choose(curve, before_W[::-1]).ahead_W != found.ahead_W).any()


def test_the_most_surprising_get_most_until_the_budget_is_spent():
    before_W = np.array([1.0, 3.0, np.nan, 2.0, 0.5])  # nan counts as 1.5
    flops = np.tile([[1.0, 2.0, 4.0]], (5, 1))
    assert by_surprise_before(before_W, flops, 12.5).tolist() == [0, 2, 1, 2, 0]
    assert by_surprise_before(before_W, flops, 5.0).tolist() == [0] * 5
    assert by_surprise_before(before_W, flops, 20.0).tolist() == [2] * 5
    assert by_surprise_before(np.full(5, np.nan), flops, 8.0).tolist() == [2, 0, 0, 0, 0]


def test_budget_pair_and_shuffles(hard_W):
    curve = curve_of(hard_W)
    found = choose(curve, hard_W)
    # Chunk lengths over the trained one: 1/2, 2/3, 1, 20/13, 5/2.
    assert (found.denser, found.sparser) == (1, 3)
    budget = curve.as_trained.flops_W.sum()
    for choice_W in (found.ahead_W, found.oracle_W):
        loop = sum(curve.points[c].flops_W[i] for i, c in enumerate(choice_W))
        assert found.flops(choice_W).sum() == pytest.approx(loop)
        assert budget * 0.97 < loop <= budget
    assert len(found.shuffled_DW) == SHUFFLES
    for row in found.shuffled_DW:
        assert sorted(row) == sorted(found.ahead_W)
    assert len({tuple(row) for row in found.shuffled_DW}) > 1
    assert (choose(curve, hard_W).shuffled_DW == found.shuffled_DW).all()


def test_planted_gain_is_found_and_none_without_a_signal(hard_W):
    curve = curve_of(hard_W)
    dealt = {one.name: one for one in dealt_estimates(choose(curve, hard_W), BLOCKS)}
    assert list(dealt) == [ONE, AHEAD, SHUFFLED, ORACLE]
    assert dealt[AHEAD].gap.high < 0
    assert dealt[AHEAD].over_shuffled.high < 0
    assert dealt[ORACLE].gap.centre <= dealt[AHEAD].gap.centre
    assert dealt[ONE].level.centre == pytest.approx(curve.as_trained.nats_per_base)
    choices = choose(curve, hard_W)
    nats = sum(curve.points[c].nats_W[i] for i, c in enumerate(choices.ahead_W))
    assert dealt[AHEAD].level.centre == pytest.approx(nats / (60 * WINDOWS))
    shuffles = [
        sum(curve.points[c].nats_W[i] for i, c in enumerate(row)) for row in choices.shuffled_DW
    ]
    assert dealt[SHUFFLED].level.centre == pytest.approx(np.mean(shuffles) / (60 * WINDOWS))
    blind = choose(curve, np.random.default_rng(8).random(WINDOWS))
    assert not dealt_estimates(blind, BLOCKS)[1].over_shuffled.excludes_zero
    one_sided = Curve(curve.subject, curve.points[2:], 0)
    assert choose(one_sided, hard_W) is None


def test_changes_are_paired_with_the_trained_point(hard_W):
    curve = curve_of(hard_W)
    for point, (level, change) in zip(curve.points, point_estimates(curve, BLOCKS), strict=True):
        assert level.centre == pytest.approx(point.nats_per_base)
        gap = point.nats_per_base - curve.as_trained.nats_per_base
        assert change.centre == pytest.approx(gap, abs=1e-12)
        assert change.high - change.low < level.high - level.low


def test_surprise_before_is_that_of_the_bases_right_before(make_store):
    rng = np.random.default_rng(0)
    genome = make_store({name: "".join(rng.choice(list("ACGT"), 900)) for name in ("one", "two")})
    intervals = [Interval("one", 10, 700), Interval("two", 100, 420)]
    names = ContigNames(genome.contigs, "genome")
    held_out = HeldOut(genome, names, intervals, "test split", 48, 0, None)
    subject, tiles = tiny_subject("hnet mamba2", length_bp=48), held_out.tiles()
    found = surprise_before(subject, held_out, tiles)
    places = places_before(held_out, tiles)
    for i in range(len(tiles)):
        place = tiles.interval(i)
        first = next(one.start for one in intervals if one.contig == place.contig)
        if place.start == first:
            assert np.isnan(found[i])
            assert i not in places
            continue
        codes = genome.read(place.contig, place.start - 48, place.start)
        nats = score_sequences(subject, [codes])[0].nats
        assert found[i] == pytest.approx(nats.mean(), rel=1e-9)
    few = replace(held_out, windows=5)
    again = surprise_before(subject, few, few.tiles())
    chosen = [tiles.interval(i) for i in range(len(tiles))]
    at = [chosen.index(few.tiles().interval(i)) for i in range(5)]
    np.testing.assert_allclose(again, found[at], rtol=1e-9)
    alone = replace(held_out, intervals=[Interval("one", 10, 50)])
    assert np.isnan(surprise_before(subject, alone, alone.tiles())).all()
