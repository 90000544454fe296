"""Tests of report/headline.py: it tells the truth about wins, losses, ties and doubts."""

import dataclasses
import math

import pytest

from genomenet.evaluation.confidence import Estimate
from genomenet.report.headline import difference_words, headline
from genomenet.report.summary import summarise
from genomenet.study.results import Floor, SplitRecord
from tests.study.example_study import arm_run, likelihood, make_study


def say(runs, **fields):
    study = make_study(runs=runs, floors=fields.pop("floors", None))
    return headline(summarise(dataclasses.replace(study, **fields)))


def arm(key, nats, seeds=(1, 2, 3)):
    """Seeds whose final losses are `nats` plus known, small, shared offsets."""
    runs = []
    for seed in seeds:
        run = arm_run(key, seed, nats)
        value = nats + 0.0005 * seed
        runs.append(dataclasses.replace(run, final=likelihood("final", value, seed)))
    return runs


def find(sentences, start):
    return next(sentence for sentence in sentences if sentence.startswith(start))


def test_a_win_is_told_as_a_win():
    sentences = say(arm("m", 1.24) + arm("hm", 1.22))
    assert sentences[0].startswith("H-Net, Mamba-2 main predicts held-out bases best")
    assert "excludes zero" in sentences[0]
    pair = find(sentences, "H-Net, Mamba-2 main beats its isotropic baseline Mamba-2 by 0.0289")
    assert "times less data" in pair


def test_a_loss_is_told_as_a_loss():
    sentences = say(arm("m", 1.22) + arm("hm", 1.24))
    assert sentences[0].startswith("Mamba-2 predicts held-out bases best")
    pair = find(sentences, "H-Net, Mamba-2 main loses to its isotropic baseline Mamba-2 by 0.0289")
    assert "times more data" in pair
    assert "less" not in pair


def test_of_several_baselines_the_strongest_is_named():
    other = [dataclasses.replace(run, arm="moe", label="MoE") for run in arm("m", 1.23)]
    for runs in (arm("m", 1.24) + other, other + arm("m", 1.24)):
        sentences = say(runs + arm("hm", 1.22))
        assert find(sentences, "H-Net, Mamba-2 main beats its best isotropic baseline MoE by")
        assert sum("isotropic baseline" in sentence for sentence in sentences) == 1


def test_tokens_are_told_to_be_bounds_and_have_no_baseline():
    tokens = [dataclasses.replace(run, family="tokenised") for run in arm("hm", 1.22)]
    sentences = say(arm("m", 1.24) + tokens)
    assert "upper bound" in find(sentences, "H-Net, Mamba-2 main is scored by the one sequence")
    assert not any("isotropic baseline" in sentence for sentence in sentences)


def test_a_tie_is_told_as_a_tie():
    noisy = [
        dataclasses.replace(run, final=likelihood("final", value, run.seed))
        for run, value in zip(arm("hm", 1.22), (1.215, 1.225, 1.219), strict=True)
    ]
    sentences = say(arm("m", 1.22) + noisy)
    assert "cannot be told apart from" in sentences[0]
    assert "includes zero" in sentences[0]
    assert "best" not in sentences[0]
    pair = find(sentences, "H-Net, Mamba-2 main cannot be told apart from its isotropic baseline")
    assert "beats" not in pair
    assert "loses" not in pair


def test_learned_against_fixed_both_ways():
    won = say(arm("hm", 1.22) + arm("fixed", 1.24))
    assert find(
        won, "With learned boundaries, H-Net, Mamba-2 main beats H-Net, Mamba-2 main, fixed"
    )
    lost = say(arm("hm", 1.24) + arm("fixed", 1.22))
    assert find(lost, "With learned boundaries, H-Net, Mamba-2 main loses to H-Net, Mamba-2 main,")
    alone = say(arm("hm", 1.24))
    assert find(alone, "No fixed-grid arm shares the main mixer of H-Net, Mamba-2 main")
    assert find(alone, "H-Net, Mamba-2 main has no isotropic arm of the same main mixer")
    assert "no other arm" in alone[0]


@pytest.mark.parametrize(
    ("floor", "says"),
    [
        (1.30, "Every arm beats the best trivial row, order-9 Markov"),
        (1.20, "No arm beats the best trivial row, order-9 Markov"),
        (1.25, "Transformer does not beat the best trivial row"),
        (1.2705, "Transformer does not beat the best trivial row"),
        (1.2713, "Transformer cannot be told apart from the best trivial row"),
    ],
)
def test_trivial_rows(floor, says):
    floors = [Floor("uniform", math.log(4), ""), Floor("order-9 Markov", floor, "")]
    sentences = say(arm("t", 1.27) + arm("m", 1.22), floors=floors)
    assert find(sentences, says)
    assert ("The other arms beat it." in sentences) == (floor in (1.25, 1.2705, 1.2713))


def test_refusals_and_one_seed_are_told():
    flat = dataclasses.replace(arm_run("m", 1), curve=())
    sentences = say([flat, arm_run("hm", 1)])
    assert "cannot be read off: the baseline has no finite validation" in find(
        sentences, "H-Net, Mamba-2 main beats"
    )
    assert find(sentences, "Some arms have one seed")
    with_curves = say([arm_run("m", 1), arm_run("hm", 1)])
    assert "one seed, so no interval" in find(with_curves, "H-Net, Mamba-2 main beats")


def test_divergence_and_leaks_are_told():
    broken = dataclasses.replace(
        arm_run("t", 1),
        final=dataclasses.replace(
            likelihood("final", 1.2, 1), nats=math.nan, window_nats=(math.nan,) * 192
        ),
    )
    sentences = say(
        [broken, arm_run("m", 1)],
        splits=SplitRecord({"valid": 1_000_000, "test": 4_000_000}, 2_500_000, 1024),
    )
    assert find(sentences, "Transformer diverged")
    assert find(sentences, "Training windows reach 2.5M held-out bases (50.0% of them)")
    assert not any("nan" in sentence for sentence in sentences)
    assert say([broken])[0].startswith("No arm ended with a finite loss")


def test_difference_words():
    log2 = math.log(2)
    better = Estimate(-0.02 * log2, -0.03 * log2, -0.01 * log2, 0.95, "seeds", 3)
    assert difference_words(better) == "0.0200 bits per base (95 %, 3 seeds: 0.0100–0.0300)"
    tie = Estimate(-0.02 * log2, -0.05 * log2, 0.01 * log2, 0.95, "windows", 9)
    assert difference_words(tie) == "0.0200 bits per base (95 %, 9 windows: −0.0500 to 0.0100)"
    unbounded = Estimate(0.02, -math.inf, math.inf, 0.95, "windows", 1)
    assert "too few windows" in difference_words(unbounded)
