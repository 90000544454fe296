"""How sure a number is: bootstrap over held-out windows, Student t over seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from genomenet.evaluation.results import Checkpoint, Likelihood
from genomenet.study.results import ArmRun

Basis = Literal["seeds", "windows"]


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
    basis : {"seeds", "windows"}
        What was taken as repeated: training with another seed, or drawing other held-out windows.
    n : int
        How many seeds or windows.
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
    sample = np.asarray(values, dtype=np.float64)
    centre = float(sample.mean())
    half = student_t_quantile(0.5 + level / 2, n - 1) * float(sample.std(ddof=1)) / math.sqrt(n)
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


def difference_interval(
    a: Sequence[ArmRun],
    b: Sequence[ArmRun],
    checkpoint: Checkpoint = "final",
    level: float = 0.95,
) -> Estimate:
    """Nats per base of arm `a` minus arm `b`: paired over seeds, or over windows with one seed.

    Parameters
    ----------
    a, b : sequence of ArmRun
        All seeds of the two arms.  Seeds that both have are paired, since they share the order of
        the data; others are left out.  With fewer than two shared seeds the windows are paired, on
        the shared seed, or on the mean over seeds when none is shared.
    checkpoint : {"final", "before decay"}
        Which weights.
    level : float
        Coverage.

    Returns
    -------
    Estimate
        Negative means that `a` predicts better; `basis` says what was repeated.

    Raises
    ------
    ValueError
        When an arm has no likelihood at the checkpoint or the windows differ.
    """
    of_a = {run.seed: _at(run, checkpoint) for run in a}
    of_b = {run.seed: _at(run, checkpoint) for run in b}
    shared = sorted(set(of_a) & set(of_b))
    if len(shared) >= 2:
        return seed_interval([of_a[seed].nats - of_b[seed].nats for seed in shared], level)
    if len(shared) == 1:
        return paired_difference(of_a[shared[0]], of_b[shared[0]], level)
    windows = {one.window_bases for one in (*of_a.values(), *of_b.values())}
    if len(windows) != 1:
        raise ValueError("the two arms were scored on different held-out windows")
    mean_a = np.mean([one.window_nats for one in of_a.values()], axis=0)
    mean_b = np.mean([one.window_nats for one in of_b.values()], axis=0)
    return bootstrap_interval(mean_a - mean_b, np.asarray(windows.pop()), level)


def student_t_quantile(probability: float, freedom: int) -> float:
    """Find the quantile of Student's t for whole degrees of freedom, without SciPy.

    Parameters
    ----------
    probability : float
        Between 0.5 and 1.
    freedom : int
        Degrees of freedom, at least 1.

    Returns
    -------
    float
        Found by bisection on the closed form of the distribution function, to 1e-10.

    Notes
    -----
    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    low, high = 0.0, 1.0
    while 0.5 + _central(high, freedom) / 2 < probability:
        low, high = high, 2 * high
    while high - low > 1e-10 * max(1.0, high):
        middle = (low + high) / 2
        if 0.5 + _central(middle, freedom) / 2 < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _central(t: float, freedom: int) -> float:
    """Probability that a Student t variable lies between -t and t."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine = math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = 0.0 if freedom == 1 else term
    for k in range(3 if odd else 2, freedom - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    total *= math.sin(angle)
    return (angle + total) * 2 / math.pi if odd else total


def _at(run: ArmRun, checkpoint: Checkpoint) -> Likelihood:
    """Look up the likelihood of a run at a checkpoint."""
    found = run.final if checkpoint == "final" else run.before_decay
    if found is None:
        raise ValueError(f"arm '{run.arm}' seed {run.seed} has no likelihood {checkpoint}")
    return found
