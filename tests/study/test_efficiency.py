"""Tests of study/efficiency.py on curves whose crossing is known by construction."""

import dataclasses
import math

import pytest

from genomenet.study.efficiency import compare_pairs, curve_ratio, matched_ratio, stable_knots
from genomenet.study.results import CurvePoint
from tests.study.example_study import arm_run, make_study


def run(points, seed=1, label="arm", flops=2.0, **fields):
    """A run with stable-phase points [(bases, nats), ...]."""
    curve = tuple(
        CurvePoint(i, bases, nats, "stable", (), flops * bases)
        for i, (bases, nats) in enumerate(points)
    )
    return dataclasses.replace(arm_run("m", seed), curve=curve, label=label, **fields)


ISO = run([(100, 1.4), (200, 1.35), (400, 1.3)], label="Iso")


def test_interpolation_is_linear_on_log_bases():
    tree = run([(50, 1.5), (100, 1.4), (400, 1.2)], label="Tree")
    found = curve_ratio(ISO, tree, "bases")  # 1.3 is half way from 1.4 to 1.2: at sqrt(100 * 400)
    assert found.target_nats == 1.3
    assert found.isotropic == pytest.approx(400)
    assert found.hierarchical == pytest.approx(200)
    assert found.ratio == pytest.approx(2)


def test_flops_use_the_flops_spent():
    tree = run([(50, 1.5), (100, 1.4), (400, 1.2)], label="Tree", flops=3.0)
    found = curve_ratio(ISO, tree, "flops")
    assert found.ratio == pytest.approx(2 * 2 / 3)
    assert found.hierarchical == pytest.approx(600)


def test_a_loser_gets_a_ratio_below_one_from_the_converse():
    tree = run([(100, 1.45), (400, 1.35)], label="Tree")
    found = curve_ratio(ISO, tree, "bases")
    assert found.ratio == pytest.approx(0.5)
    assert found.target_nats == 1.35
    assert "never reaches" in found.reason


def test_equal_curves_give_one():
    assert curve_ratio(ISO, ISO, "bases").ratio == pytest.approx(1)


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        ([(100, 1.29), (400, 1.2)], "already below the baseline's last loss"),
        ([(100, 1.6), (400, 1.45)], "no measurement brackets"),
        ([(100, math.nan)], "no finite validation"),
        ([], "no finite validation"),
    ],
)
def test_no_extrapolation(tree, says):
    found = curve_ratio(ISO, run(tree, label="Tree"), "bases")
    assert (found.ratio, found.target_nats) == (None, None)
    assert says in found.reason
    assert found.reason.endswith(".")


def test_only_the_stable_phase_counts():
    tree = run([(100, 1.4), (200, 1.25), (300, 1.2)], label="Tree")
    curve = list(tree.curve)
    curve.insert(0, CurvePoint(0, 10, 1.1, "warmup", (), 20.0))
    curve.append(CurvePoint(9, 400, 1.0, "decay", (), 800.0))
    same = dataclasses.replace(tree, curve=tuple(curve))
    assert curve_ratio(ISO, same, "bases") == curve_ratio(ISO, tree, "bases")


def test_a_lucky_dip_is_not_a_crossing():
    steady = [(100, 1.5), (200, 1.45), (400, 1.40), (800, 1.35), (1600, 1.25)]
    lucky = [(100, 1.5), (200, 1.29), (400, 1.40), (800, 1.35), (1600, 1.25)]
    plain = curve_ratio(ISO, run(steady), "bases").hierarchical
    dipped = curve_ratio(ISO, run(lucky), "bases").hierarchical
    assert dipped > 800  # the dip itself was at 200
    assert dipped == pytest.approx(plain, rel=0.2)


def test_knots_are_isotonic_regression():
    knots = stable_knots(run([(1, 3.0), (10, 1.5), (100, 1.5), (1000, 0.0)]), "bases")
    assert [nats for _, nats in knots] == [3.0, 1.5, 0.0]
    assert knots[1][0] == pytest.approx(math.log(math.sqrt(1000)))  # back on the true line
    wide = [(1, 2.0), (2, 1.0), (3, 1.1), (4, 1.6), (5, 1.5), (6, 0.5)]  # a dip of two points
    noisy = stable_knots(run(wide), "bases")  # medians 2.0 1.1 1.1 1.5 1.5 0.5
    assert [nats for _, nats in noisy] == pytest.approx([2.0, 1.3, 0.5])


def test_a_falling_curve_is_left_as_it_is():
    falling = [(10, 2.0), (20, 1.9), (40, 1.2), (80, 1.19)]
    knots = stable_knots(run(falling), "bases")
    assert [(round(math.exp(x)), nats) for x, nats in knots] == falling
    assert len(stable_knots(run(falling[:1]), "bases")) == 1
    assert len(stable_knots(run(falling[:2]), "bases")) == 2


def test_seeds_give_a_geometric_mean_with_an_interval():
    trees = [
        run([(50, 1.5), (100, 1.3), (400, 1.2)], seed=1),
        run([(50, 1.5), (200, 1.3), (400, 1.2)], seed=2),
    ]
    isos = [dataclasses.replace(ISO, seed=1), dataclasses.replace(ISO, seed=2)]
    found = matched_ratio(isos, trees, "bases")
    assert found.ratio == pytest.approx(math.sqrt(4 * 2))
    half = 12.706 * (math.log(4) - math.log(2)) / math.sqrt(2) / math.sqrt(2)
    assert found.interval.high == pytest.approx(math.exp(math.log(found.ratio) + half), rel=1e-3)
    assert found.interval.basis == "seeds"
    bad = run([(100, 1.29), (400, 1.2)], seed=2)
    refused = matched_ratio(isos, [trees[0], bad], "bases")
    assert refused.ratio is None
    assert refused.reason.startswith("with seed 2, ")
    assert matched_ratio(isos, trees[:1], "bases").interval is None


def test_pairs_share_the_main_mixer():
    pairs = compare_pairs(make_study(seeds=(1, 2)))
    assert {(p.isotropic, p.hierarchical) for p in pairs} == {
        ("t", "ht"),
        ("m", "hm"),
        ("m", "fixed"),
    }
    by_name = {p.hierarchical: p for p in pairs}
    assert by_name["ht"].data.ratio > 1
    assert by_name["fixed"].data.ratio < 1
    assert by_name["hm"].final_difference.centre == pytest.approx(-0.011, abs=0.002)
