"""How sure a number is: bootstrap over held-out windows, Student t over seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from genomenet.evaluation.results import Likelihood

Basis = Literal["seeds", "windows", "blocks"]


@dataclass(frozen=True)
class Estimate:
    """An estimate and the interval around it.

    Attributes
    ----------
    centre, low, high : float
        Estimate and bounds, in the unit of the estimate (nats per base unless said otherwise).
        The bounds are infinite when the data cannot bound the estimate.
    level : float
        Coverage aimed at, for example 0.95.
    basis : {"seeds", "windows", "blocks"}
        What was taken as repeated: training with another seed, or drawing other held-out windows
        or blocks of them.
    n : int
        How many seeds, windows or blocks.
    """

    centre: float
    low: float
    high: float
    level: float
    basis: Basis
    n: int

    @property
    def excludes_zero(self) -> bool:
        """Whether both bounds are on the same side of zero (never for NaN)."""
        return self.low > 0 or self.high < 0


def bootstrap_interval(
    window_nats: Sequence[float] | np.ndarray,
    window_bases: Sequence[int] | np.ndarray,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Nats per base with a percentile bootstrap interval over held-out windows.

    Windows, not bases, are resampled: bases inside a window share their repeats and their context.
    The statistic is the ratio of sums, so short windows weigh less.

    Parameters
    ----------
    window_nats : array of float, shape (windows,)
        Summed nats of each window.
    window_bases : array of int, shape (windows,)
        Scored bases of each window.
    level : float
        Coverage.
    draws : int
        Bootstrap samples.
    seed : int
        Of the resampling; the same seed gives the same interval.

    Returns
    -------
    Estimate
        In nats per base; infinite bounds when there are fewer than two windows with scored bases.

    Notes
    -----
    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    bases = np.asarray(window_bases, dtype=np.float64)
    nats = np.asarray(window_nats, dtype=np.float64)
    if nats.shape != bases.shape:
        raise ValueError(f"{nats.size} windows have nats but {bases.size} have bases")
    # A window of N only says nothing; keeping it could leave a draw without a single base.
    nats, bases = nats[bases > 0], bases[bases > 0]
    n = bases.size
    centre = float(nats.sum() / bases.sum()) if n else math.nan
    if n < 2:
        return Estimate(centre, -math.inf, math.inf, level, "windows", n)
    generator = np.random.default_rng(seed)
    means = np.empty(draws)
    rows = max(1, 2_000_000 // n)  # at most 16 MB of multiplicities at a time
    for start in range(0, draws, rows):
        count = min(rows, draws - start)
        times = generator.multinomial(n, np.full(n, 1 / n), size=count).astype(np.float64)
        means[start : start + count] = (times @ nats) / (times @ bases)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Estimate(centre, float(low), float(high), level, "windows", n)


def paired_difference(
    a: Likelihood, b: Likelihood, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> Estimate:
    """Nats per base of `a` minus `b` over the windows both scored, bootstrapped in pairs.

    Parameters
    ----------
    a, b : Likelihood
        Of the same windows; negative means that `a` predicts better.
    level, draws, seed : float, int, int
        As in `bootstrap_interval`.

    Returns
    -------
    Estimate
        In nats per base.  Pairing removes what the windows share, which is most of the variance.

    Raises
    ------
    ValueError
        When the two were scored on different windows.
    """
    if a.window_bases != b.window_bases:
        raise ValueError("the two likelihoods are of different held-out windows")
    difference = np.asarray(a.window_nats) - np.asarray(b.window_nats)
    return bootstrap_interval(difference, a.window_bases, level, draws, seed)


def seed_interval(values: Sequence[float], level: float = 0.95) -> Estimate:
    """Mean over seeds with a Student t interval.

    Parameters
    ----------
    values : sequence of float
        One per seed, at least two.
    level : float
        Coverage.

    Returns
    -------
    Estimate
        In the unit of `values`.

    Raises
    ------
    ValueError
        With fewer than two seeds.
    """
    n = len(values)
    if n < 2:
        raise ValueError(f"an interval over seeds needs at least 2 seeds, not {n}")
    # SciPy's statistics take a second to import, which most commands need not spend.
    from scipy.stats import t as student_t

    sample = np.asarray(values, dtype=np.float64)
    centre = float(sample.mean())
    quantile = float(student_t.ppf(0.5 + level / 2, n - 1))
    half = quantile * float(sample.std(ddof=1)) / math.sqrt(n)
    return Estimate(centre, centre - half, centre + half, level, "seeds", n)


def likelihood_interval(likelihoods: Sequence[Likelihood], level: float = 0.95) -> Estimate:
    """Nats per base of an arm: over seeds when there are two or more, else over windows.

    Parameters
    ----------
    likelihoods : sequence of Likelihood
        One per seed.
    level : float
        Coverage.

    Returns
    -------
    Estimate
        Its `basis` says which was used.
    """
    if len(likelihoods) >= 2:
        return seed_interval([one.nats for one in likelihoods], level)
    return bootstrap_interval(likelihoods[0].window_nats, likelihoods[0].window_bases, level)
