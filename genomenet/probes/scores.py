"""How good predictions are, and how sure that is: over test rows, and over seeds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, r2_score

from genomenet.evaluation.confidence import seed_interval
from genomenet.probes.task import Task

DRAWS = 1000
Range = tuple[float, float]


@dataclass(frozen=True)
class Sure:
    """A number with both of its intervals, 95 %.

    Attributes
    ----------
    centre : float
        Mean over seeds.
    over_rows : tuple of float
        Percentile bootstrap over test rows of the mean over seeds.
    over_seeds : tuple of float or None
        Student t over seeds; None with fewer than two.
    """

    centre: float
    over_rows: Range
    over_seeds: Range | None

    @property
    def excludes_zero(self) -> bool:
        """Whether every interval there is lies on one side of zero, the same for all."""
        ranges = [self.over_rows] + ([self.over_seeds] if self.over_seeds else [])
        return all(low > 0 for low, _ in ranges) or all(high < 0 for _, high in ranges)


@dataclass(frozen=True)
class Scored:
    """Predictions of one contender on one task, and what they are worth.

    Attributes
    ----------
    seeds : tuple of float
        MCC of each seed, or R2 where labels are numbers.
    draws : ndarray of float64, shape (draws,)
        The same, averaged over seeds, on each bootstrap sample of the test rows. Samples are the
        same for all contenders, so differences are paired.
    accuracy : float or None
        Mean over seeds; of classes.
    macro_f1 : float or None
        Likewise.
    spearman : float or None
        Mean over seeds; of numbers.
    """

    seeds: tuple[float, ...]
    draws: np.ndarray
    accuracy: float | None = None
    macro_f1: float | None = None
    spearman: float | None = None

    @property
    def sure(self) -> Sure:
        """The score with its intervals."""
        return _sure(np.array(self.seeds), self.draws)

    def minus(self, other: "Scored") -> Sure:
        """How much better than another that learned from the same rows, in pairs."""
        return _sure(np.subtract(self.seeds, other.seeds), self.draws - other.draws)


def score(task: Task, predictions: Sequence[np.ndarray], among: np.ndarray | None = None) -> Scored:
    """Score the predictions of several seeds.

    Parameters
    ----------
    task : Task
        With the truth.
    predictions : sequence of ndarray, each of shape (test rows,)
        One a seed.
    among : ndarray of bool, shape (test rows,), optional
        Which test rows to score; all when left out.
    """
    kept = np.ones(len(task.test), dtype=bool) if among is None else among
    truth = task.labels[task.test][kept]
    found = [prediction[kept] for prediction in predictions]
    draws = np.mean([_bootstrap(truth, one, len(task.classes)) for one in found], axis=0)
    if task.numeric:
        return Scored(
            tuple(float(r2_score(truth, one)) for one in found),
            draws,
            spearman=float(np.mean([_spearman(truth, one) for one in found])),
        )
    names = range(len(task.classes))
    return Scored(
        tuple(float(matthews_corrcoef(truth, one)) for one in found),
        draws,
        accuracy=float(np.mean([accuracy_score(truth, one) for one in found])),
        macro_f1=float(
            np.mean(
                [
                    f1_score(truth, one, labels=names, average="macro", zero_division=0)
                    for one in found
                ]
            )
        ),
    )


def _sure(seeds: np.ndarray, draws: np.ndarray) -> Sure:
    low, high = np.quantile(draws, [0.025, 0.975])
    over_seeds = None
    if len(seeds) > 1:
        interval = seed_interval(seeds.tolist())
        over_seeds = interval.low, interval.high
    return Sure(float(seeds.mean()), (float(low), float(high)), over_seeds)


def _spearman(truth: np.ndarray, found: np.ndarray) -> float:
    # A constant has no rank correlation; nothing was found, so it counts as none.
    return float(spearmanr(truth, found).statistic) if np.ptp(found) > 0 else 0.0


def _bootstrap(truth: np.ndarray, found: np.ndarray, classes: int) -> np.ndarray:
    """MCC or R2 on samples of the rows; the samples depend on the number of rows alone."""
    parts = [
        _mcc(times, truth, found, classes) if classes else _r2(times, truth, found)
        for times in _samples(len(truth))
    ]
    return np.concatenate(parts)


def _samples(rows: int) -> Iterator[np.ndarray]:
    """How often each row is in a sample, some samples at a time, shape (samples, rows)."""
    generator = np.random.default_rng(0)
    at_once = max(1, 2_000_000 // max(rows, 1))  # at most 16 MB
    for start in range(0, DRAWS, at_once):
        count = min(at_once, DRAWS - start)
        yield generator.multinomial(rows, np.full(rows, 1 / rows), size=count).astype(np.float64)


def _mcc(times: np.ndarray, truth: np.ndarray, found: np.ndarray, classes: int) -> np.ndarray:
    """Matthews' coefficient of several classes; 0 where one side is constant.

    Gorodkin, Comput. Biol. Chem. 28 (2004) 367, from the table of truth against prediction.
    """
    cells = np.zeros((len(truth), classes * classes))
    cells[np.arange(len(truth)), truth * classes + found] = 1
    table = (times @ cells).reshape(-1, classes, classes)
    total = table.sum((1, 2))
    right = np.trace(table, axis1=1, axis2=2)
    of_truth, of_found = table.sum(2), table.sum(1)
    covariance = right * total - (of_truth * of_found).sum(1)
    spread = (total**2 - (of_truth**2).sum(1)) * (total**2 - (of_found**2).sum(1))
    return np.where(spread > 0, covariance / np.sqrt(np.where(spread > 0, spread, 1)), 0)


def _r2(times: np.ndarray, truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    total = times.sum(1)
    mean = times @ truth / total
    spread = times @ truth**2 - total * mean**2
    error = times @ (truth - found) ** 2
    return np.where(spread > 1e-12, 1 - error / np.where(spread > 1e-12, spread, 1), 0)
