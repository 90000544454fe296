"""Ranking: the same numbers as scikit-learn and SciPy, loops, and bootstraps of whole blocks."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from genomenet.evaluation.edits.ranking import (
    auprc,
    auroc,
    block_draws,
    interval,
    spearman,
    stratified_auroc,
)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ties", [False, True])
def test_as_the_libraries_say(seed, ties):
    generator = np.random.default_rng(seed)
    truth = (generator.random(97) < 0.3).astype(float)
    predicted = generator.normal(size=97) + truth / 2
    predicted = predicted.round() if ties else predicted
    assert auroc(truth, predicted) == pytest.approx(roc_auc_score(truth, predicted), abs=1e-12)
    assert auprc(truth, predicted) == pytest.approx(
        average_precision_score(truth, predicted), abs=1e-12
    )
    measured = generator.normal(size=97)
    assert spearman(measured, predicted) == pytest.approx(
        spearmanr(measured, predicted).statistic, abs=1e-12
    )


def test_nothing_to_rank():
    assert all(math.isnan(one(np.ones(4), np.arange(4.0))) for one in (auroc, auprc, spearman))
    assert math.isnan(stratified_auroc(np.ones(4), np.arange(4.0), np.zeros(4, dtype=int)))


def test_a_planted_score_and_shuffled_labels():
    generator = np.random.default_rng(1)
    truth = np.repeat([0.0, 1.0], 200)
    assert auroc(truth, truth + generator.random(400) / 2) == 1
    assert auroc(truth, -truth) == 0
    shuffled = generator.permutation(truth)
    low, high = interval(
        lambda rows: auroc(shuffled[rows], truth[rows]), block_draws(np.arange(400))
    )
    assert low < 0.5 < high
    assert high - low < 0.3


def test_strata_by_looping_over_pairs():
    generator = np.random.default_rng(2)
    truth = (generator.random(60) < 0.4).astype(float)
    predicted, stratum = (
        generator.integers(9, size=60).astype(float),
        generator.integers(4, size=60),
    )
    above = [
        (predicted[i] > predicted[j]) + (predicted[i] == predicted[j]) / 2
        for i in range(60)
        for j in range(60)
        if stratum[i] == stratum[j] and truth[i] > truth[j]
    ]
    assert stratified_auroc(truth, predicted, stratum) == pytest.approx(np.mean(above), abs=1e-12)
    # What only tells strata apart is worth nothing within them.
    assert stratified_auroc(truth, stratum.astype(float), stratum) == 0.5


def test_blocks_are_drawn_whole():
    blocks = np.array([5, 5, 5, 2, 2, 9])
    for rows in block_draws(blocks, 50):
        for name, size in ((5, 3), (2, 2), (9, 1)):
            assert (blocks[rows] == name).sum() % size == 0
    wide = interval(lambda rows: rows.mean(), block_draws(np.repeat(np.arange(4), 25)))
    narrow = interval(lambda rows: rows.mean(), block_draws(np.arange(100)))
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])
