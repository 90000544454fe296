"""Kept shares of the gain over uniform, with intervals, from the sums of noisy windows."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.resampling import ResampledWindows
from genomenet.evaluation.robustness.noisy_windows import NoiseSums, baseline_of

Over = Literal["all", "kept"]
"""Which bases of a noisy window count: all of them, or those that are no noise."""

Sums = npt.NDArray[np.float64]


class NoiseShares:
    """Statistics of noisy windows, all over the same draws of windows.

    Parameters
    ----------
    sums : NoiseSums
        What the windows cost.

    Attributes
    ----------
    learned : list of int
        Scorers with a gain over uniform in clean windows, by the interval. Of the others no share
        is made: where nothing was gained there is nothing to keep.
    pairs : dict of int to int
        Models and their isotropic baselines, where both have learned.
    """

    def __init__(self, sums: NoiseSums) -> None:
        self.sums = sums
        parts = {
            "clean bases": sums.clean_bases,
            "clean": sums.clean_nats,
            "all bases": sums.own_bases,
            "all": sums.own_nats,
            "kept bases": sums.kept_bases,
            "kept": sums.kept_nats,
            "kept clean": sums.kept_clean_nats,
        }
        self._column: dict[str, tuple[int, tuple[int, ...]]] = {}
        rows, used = [], 0
        for name, values in parts.items():
            flat = values.reshape(-1, values.shape[-1])
            self._column[name] = (used, values.shape[:-1])
            used += len(flat)
            rows.append(flat)
        # A window of N only says nothing; keeping it could leave a draw without a single base.
        self._resampled = ResampledWindows(np.concatenate(rows)[:, sums.clean_bases > 0].T)
        self.learned = [s for s in range(len(sums.scorers)) if self.gain(s).low > 0]
        models = {s: one.subject for s, one in enumerate(sums.scorers) if one.is_model}
        self.pairs: dict[int, int] = {}
        for s in self.learned:
            subject = models.get(s)
            base = baseline_of(subject, list(models.values())) if subject else None
            number = next((b for b in self.learned if models.get(b) is base), None)
            if base is not None and number is not None:
                self.pairs[s] = number

    @property
    def windows(self) -> int:
        """Windows that hold something scored."""
        return self._resampled.windows

    def clean_nats(self, scorer: int) -> Estimate:
        """Nats per base of the windows as they are."""
        return self._resampled.estimate(
            lambda x: self._at(x, "clean", scorer) / self._at(x, "clean bases")
        )

    def gain(self, scorer: int) -> Estimate:
        """Nats per base below uniform, in the windows as they are."""
        return self._resampled.estimate(lambda x: self._clean_gain(x, scorer))

    def noisy_nats(self, scorer: int, condition: int) -> Estimate:
        """Nats per base of the noisy windows, noise included."""
        return self._resampled.estimate(
            lambda x: self._at(x, "all", scorer, condition) / self._at(x, "all bases", condition)
        )

    def change(self, scorer: int, condition: int) -> Estimate:
        """Nats per base that the bases that are no noise cost more than in the clean windows."""
        return self._resampled.estimate(
            lambda x: (
                (
                    self._at(x, "kept", scorer, condition)
                    - self._at(x, "kept clean", scorer, condition)
                )
                / self._at(x, "kept bases", condition)
            )
        )

    def share(self, scorer: int, condition: int, over: Over) -> Estimate:
        """The part of the gain over uniform that is left under a condition."""
        return self._resampled.estimate(self._share(scorer, condition, over))

    def score(self, scorer: int, over: Over) -> Estimate:
        """The mean share over the kinds of noise, each the mean over its rates."""
        return self._resampled.estimate(lambda x: self._score(x, scorer, over))

    def kind_difference(self, scorer: int, other: int, kind: str, over: Over) -> Estimate:
        """Share of one scorer minus that of another, the mean over the rates of a kind."""
        return self._resampled.estimate(
            lambda x: self._kind(x, scorer, kind, over) - self._kind(x, other, kind, over)
        )

    def score_difference(self, scorer: int, other: int, over: Over) -> Estimate:
        """Score of one scorer minus that of another, over the same draws."""
        return self._resampled.estimate(
            lambda x: self._score(x, scorer, over) - self._score(x, other, over)
        )

    def kinds(self, over: Over) -> list[str]:
        """The kinds of noise that leave something to count."""
        bases = self.sums.own_bases if over == "all" else self.sums.kept_bases
        names = [condition.perturbation.name for condition in self.sums.conditions]
        return list(dict.fromkeys(n for n, row in zip(names, bases, strict=True) if row.any()))

    def _score(self, x: Sums, scorer: int, over: Over) -> Sums:
        return np.mean([self._kind(x, scorer, kind, over) for kind in self.kinds(over)], axis=0)

    def _kind(self, x: Sums, scorer: int, kind: str, over: Over) -> Sums:
        numbers = [c for c, o in enumerate(self.sums.conditions) if o.perturbation.name == kind]
        return np.mean([self._share(scorer, c, over)(x) for c in numbers], axis=0)

    def _share(self, scorer: int, condition: int, over: Over) -> Callable[[Sums], Sums]:
        def share(x: Sums) -> Sums:
            uniform = self.sums.uniform
            bases = self._at(x, f"{over} bases", condition)
            left = uniform - self._at(x, over, scorer, condition) / bases
            if over == "all":
                return left / self._clean_gain(x, scorer)
            return left / (uniform - self._at(x, "kept clean", scorer, condition) / bases)

        return share

    def _clean_gain(self, x: Sums, scorer: int) -> Sums:
        return self.sums.uniform - self._at(x, "clean", scorer) / self._at(x, "clean bases")

    def _at(self, x: Sums, part: str, *place: int) -> Sums:
        start, shape = self._column[part]
        return x[..., start + (int(np.ravel_multi_index(place, shape)) if shape else 0)]
