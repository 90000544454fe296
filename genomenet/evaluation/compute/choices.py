"""A threshold for every window at a fixed budget: by what came before, by chance, by the answer."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genomenet.evaluation.blocks import Floats, lay_blocks
from genomenet.evaluation.compute.budget import cheapest_choices
from genomenet.evaluation.compute.curve import Curve
from genomenet.evaluation.held_out import HeldOut
from genomenet.evaluation.subject import Subject
from genomenet.evaluation.window_sums import sum_windows
from genomenet.genome.intervals import Interval, merge
from genomenet.windows.held_out import HeldOutTiles

DENSER, SPARSER = 2 / 3, 3 / 2
"""Bases per chunk, over the trained ones, that windows of much and of little surprise get."""

SHUFFLES = 200

Choice = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Choices:
    """Which point of a curve every window gets, at about the FLOPs of the trained threshold.

    Attributes
    ----------
    curve : Curve
        What is chosen from.
    denser, sparser : int
        The two points that windows are dealt by what came before them.
    ahead_W : ndarray of int, shape (windows,)
        By the surprise of the window before.
    shuffled_DW : ndarray of int, shape (SHUFFLES, windows)
        The same choices dealt at random.
    oracle_W : ndarray of int, shape (windows,)
        By the nats themselves, of all points.
    """

    curve: Curve
    denser: int
    sparser: int
    ahead_W: Choice
    shuffled_DW: Choice
    oracle_W: Choice

    def nats(self, choice_W: Choice) -> Floats:
        """Nats of every window under a choice."""
        return _taken([point.nats_W for point in self.curve.points], choice_W)

    def flops(self, choice_W: Choice) -> Floats:
        """FLOPs of every window under a choice."""
        return _taken([point.flops_W for point in self.curve.points], choice_W)

    def shuffled_nats(self) -> Floats:
        """Nats of every window, (SHUFFLES, windows), when choices are dealt at random."""
        return np.stack([self.nats(choice_W) for choice_W in self.shuffled_DW])


def surprise_before(
    subject: Subject,
    held_out: HeldOut,
    tiles: HeldOutTiles,
    progress: Callable[[int], object] | None = None,
) -> Floats:
    """Nats per base of the window right before each window, at the trained threshold.

    Parameters
    ----------
    subject : Subject
        The model.
    held_out : HeldOut
        Where the windows come from.
    tiles : HeldOutTiles
        The windows.
    progress : callable, optional
        Called with the number of windows just scored.

    Returns
    -------
    ndarray of float64, shape (windows,)
        nan where the window before is not whole, not held out, or has nothing to score. All nan
        when no window has one.
    """
    found = np.full(len(tiles), np.nan)
    before = places_before(held_out, tiles)
    if not before:
        return found
    earlier = HeldOutTiles(held_out.genome, list(before.values()), tiles.length_bp)
    sums = sum_windows(subject, earlier, lay_blocks(earlier), progress=progress)
    with np.errstate(invalid="ignore"):
        mean = dict(
            zip(
                (earlier.interval(i) for i in range(len(earlier))),
                sums.nats_W / sums.bases_W,
                strict=True,
            )
        )
    for i, place in before.items():
        found[i] = mean.get(place, np.nan)
    return found


def places_before(held_out: HeldOut, tiles: HeldOutTiles) -> dict[int, Interval]:
    """By number of a window, the window that ends where it starts, if all of that is held out."""
    starts: dict[str, list[int]] = {}
    for interval in merge(held_out.intervals):
        starts.setdefault(interval.contig, []).append(interval.start)
    found = {}
    for i in range(len(tiles)):
        place = tiles.interval(i)
        start = place.start - tiles.length_bp
        first = starts[place.contig][bisect_right(starts[place.contig], place.start) - 1]
        if start >= first:
            found[i] = Interval(place.contig, start, place.start)
    return found


def _taken(points: Sequence[Floats], choice_W: Choice) -> Floats:
    return np.stack(points)[choice_W, np.arange(len(choice_W))]


def choose(curve: Curve, before_W: Floats, seed: int = 0) -> Choices | None:
    """Deal thresholds to windows; none when the curve has none on both sides of the trained one.

    Parameters
    ----------
    curve : Curve
        With FLOPs.
    before_W : ndarray of float64, shape (windows,)
        Nats per base of the window before each; nan takes the median.
    seed : int
        Of the shuffles.
    """
    trained = curve.as_trained
    ratio = np.array([point.bases_per_chunk for point in curve.points]) / trained.bases_per_chunk
    denser_ones, sparser_ones = np.flatnonzero(ratio < 1), np.flatnonzero(ratio > 1)
    if not (denser_ones.size and sparser_ones.size) or np.isnan(trained.flops_W).any():
        return None
    denser = int(denser_ones[np.abs(np.log(ratio[denser_ones] / DENSER)).argmin()])
    sparser = int(sparser_ones[np.abs(np.log(ratio[sparser_ones] / SPARSER)).argmin()])
    flops = np.stack([point.flops_W for point in curve.points], axis=1)
    nats = np.stack([point.nats_W for point in curve.points], axis=1)
    budget = float(trained.flops_W.sum())
    steps = np.array([sparser, curve.trained, denser])
    ahead_W = steps[by_surprise_before(before_W, flops[:, steps], budget)]
    generator = np.random.default_rng(seed)
    shuffled = np.stack([generator.permutation(ahead_W) for _ in range(SHUFFLES)])
    return Choices(curve, denser, sparser, ahead_W, shuffled, cheapest_choices(flops, nats, budget))


def by_surprise_before(before_W: Floats, flops_WC: Floats, budget: float) -> Choice:
    """Give the most surprising windows the most, until a budget is spent.

    All windows start with the least. In order of surprise they get the most, up to the first one
    that the budget can't pay for; from there on what lies between, likewise.

    Parameters
    ----------
    before_W : ndarray of float64, shape (windows,)
        Nats per base of the window before; nan takes the median of the others.
    flops_WC : ndarray of float64, shape (windows, choices)
        What each choice costs; the last is the most.
    budget : float
        FLOPs of all windows together.

    Returns
    -------
    ndarray of int, shape (windows,)
        Which choice.
    """
    known = before_W[~np.isnan(before_W)]
    surprise = np.where(np.isnan(before_W), np.median(known) if known.size else 0.0, before_W)
    order = np.argsort(-surprise, kind="stable")
    chosen = np.zeros(len(order), dtype=np.intp)
    spent, first = float(flops_WC[:, 0].sum()), 0
    for choice in range(flops_WC.shape[1] - 1, 0, -1):
        while first < len(order):
            i = order[first]
            more = float(flops_WC[i, choice] - flops_WC[i, 0])
            if spent + more > budget:
                break
            chosen[i], spent, first = choice, spent + more, first + 1
    return chosen
