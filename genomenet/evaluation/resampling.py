"""Resample held-out windows once for all sums, so that whatever is made of them is paired."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from genomenet.evaluation.confidence import Estimate

Sums = npt.NDArray[np.float64]


class ResampledWindows:
    """Sums over windows, and over bootstrap draws of the windows.

    Windows, not bases, are drawn: bases inside a window share their context. Every column is
    summed over the same draws, so a difference or a ratio of two columns is paired.

    Parameters
    ----------
    columns_WC : ndarray of float64, shape (windows, C)
        What is summed, such as nats and bases under several conditions.
    draws, seed : int
        Bootstrap samples, and the seed of the resampling.

    Notes
    -----
    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """

    def __init__(self, columns_WC: Sums, draws: int = 2000, seed: int = 0) -> None:
        self.windows = len(columns_WC)
        self._all_C = columns_WC.sum(axis=0)
        self._draws_DC: Sums | None = None
        if self.windows < 2:
            return
        rng = np.random.default_rng(seed)
        rows = max(1, 2_000_000 // self.windows)  # at most 16 MB of multiplicities at a time
        shares = np.full(self.windows, 1 / self.windows)
        self._draws_DC = np.concatenate(
            [
                rng.multinomial(self.windows, shares, size=min(rows, draws - first)) @ columns_WC
                for first in range(0, draws, rows)
            ]
        )

    def estimate(
        self, statistic: Callable[[Sums], npt.NDArray[np.float64]], level: float = 0.95
    ) -> Estimate:
        """A statistic of the sums with its percentile interval.

        Parameters
        ----------
        statistic : callable
            Takes sums of shape (..., C) and gives an array of shape (...).
        level : float
            Coverage.

        Returns
        -------
        Estimate
            With infinite bounds when there are fewer than two windows.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            centre = float(statistic(self._all_C))
            if self._draws_DC is None:
                return Estimate(centre, -math.inf, math.inf, level, "windows", self.windows)
            tail = (1 - level) / 2
            low, high = np.quantile(statistic(self._draws_DC), [tail, 1 - tail])
        return Estimate(centre, float(low), float(high), level, "windows", self.windows)
