"""How well a score ranks what it should: AUROC, AUPRC and Spearman, bootstrapped in blocks."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Measure = Callable[[Floats, Floats], float]


def auroc(truth: Floats, predicted: Floats) -> float:
    """Chance that a positive is ranked above a negative, ties half; nan without both.

    Never folded at 0.5: a score of the wrong sign is below it. As scikit-learn's, without its
    checks of input, which would take most of the time of a bootstrap.
    """
    positives, negatives = predicted[truth > 0], np.sort(predicted[truth <= 0])
    if not positives.size * negatives.size:
        return math.nan
    below = np.searchsorted(negatives, positives, side="left").sum()
    not_above = np.searchsorted(negatives, positives, side="right").sum()
    return float(below + not_above) / 2 / (positives.size * negatives.size)


def auprc(truth: Floats, predicted: Floats) -> float:
    """Average precision; what is random has the share of positives. nan without both.

    As scikit-learn's: equal scores are one step.
    """
    n = truth.sum()
    if not 0 < n < truth.size:
        return math.nan
    order = np.argsort(-predicted, kind="stable")
    steps = np.append(np.flatnonzero(np.diff(predicted[order])), truth.size - 1)
    hits = np.cumsum(truth[order])[steps]
    return float((np.diff(hits, prepend=0.0) / n) @ (hits / (steps + 1)))


def spearman(truth: Floats, predicted: Floats) -> float:
    """Rank correlation, with its sign; nan where one side is constant."""
    if truth.size < 3 or np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        return math.nan
    return float(np.corrcoef(_ranks(truth), _ranks(predicted))[0, 1])


def _ranks(values: Floats) -> Floats:
    """Ranks from 1, equal values share their mean."""
    _, of_row, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[of_row]


def stratified_auroc(truth: Floats, predicted: Floats, stratum: Rows) -> float:
    """AUROC over pairs of one stratum alone: what is left when strata can't tell them apart."""
    above = pairs = 0.0
    for one in np.unique(stratum):
        at = stratum == one
        n = truth[at].sum() * (at.sum() - truth[at].sum())
        if n:
            above, pairs = above + n * auroc(truth[at], predicted[at]), pairs + n
    return float(above / pairs) if pairs else math.nan


def block_draws(blocks: Rows, draws: int = 200, seed: int = 0) -> list[Rows]:
    """Rows of bootstrap samples that draw whole blocks.

    Parameters
    ----------
    blocks : ndarray of int64, shape (rows,)
        Which block each row is of; neighbours share their context and are no repeats.
    draws, seed : int
        How many samples; fixes them.
    """
    names, of_row = np.unique(blocks, return_inverse=True)
    order = np.argsort(of_row, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(of_row, minlength=names.size))[:-1])
    generator = np.random.default_rng(seed)
    return [
        np.concatenate([members[i] for i in generator.integers(names.size, size=names.size)])
        for _ in range(draws if names.size else 0)
    ]


def interval(measure: Callable[[Rows], float], samples: list[Rows]) -> tuple[float, float]:
    """Central 95 % of a measure of rows over samples of them; nan when it has no value."""
    values = np.array([measure(rows) for rows in samples])
    values = values[np.isfinite(values)]
    if values.size < 20:
        return math.nan, math.nan
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
