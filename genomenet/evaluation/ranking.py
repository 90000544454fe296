"""How well a score ranks what it should: AUROC, AUPRC and Spearman, bootstrapped in blocks."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Measure = Callable[[Floats, Floats], float]


def auroc(truth: Floats, predicted: Floats) -> float:
    """Chance that a positive is ranked above a negative, ties half; nan without both.

    Never folded at 0.5: a score of the wrong sign is below it.
    """
    from sklearn.metrics import roc_auc_score

    both = 0 < truth.sum() < truth.size
    return float(roc_auc_score(truth, predicted)) if both else math.nan


def auprc(truth: Floats, predicted: Floats) -> float:
    """Average precision; what is random has the share of positives. nan without both."""
    from sklearn.metrics import average_precision_score

    both = 0 < truth.sum() < truth.size
    return float(average_precision_score(truth, predicted)) if both else math.nan


def spearman(truth: Floats, predicted: Floats) -> float:
    """Rank correlation, with its sign; nan where one side is constant."""
    from scipy.stats import spearmanr

    if truth.size < 3 or np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        return math.nan
    return float(spearmanr(truth, predicted).statistic)


def block_draws(
    blocks: npt.NDArray[np.int64], draws: int = 200, seed: int = 0
) -> list[npt.NDArray[np.int64]]:
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


def interval(
    measure: Callable[[npt.NDArray[np.int64]], float], samples: list[npt.NDArray[np.int64]]
) -> tuple[float, float]:
    """Central 95 % of a measure of rows over samples of them; nan when it has no value."""
    values = np.array([measure(rows) for rows in samples])
    values = values[np.isfinite(values)]
    if values.size < 20:
        return math.nan, math.nan
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
