"""Likelihood against FLOPs as the threshold of a trained model's outermost boundaries moves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from genomenet.evaluation.blocks import Blocks, Floats, Ints
from genomenet.evaluation.compute.threshold import (
    chunking_stages,
    moved_threshold,
    recorded_levels,
    threshold_of,
)
from genomenet.evaluation.held_out import HeldOut
from genomenet.evaluation.subject import Subject
from genomenet.evaluation.window_sums import WindowSums, sum_windows
from genomenet.training.batch import HostBatch, to_device
from genomenet.windows.held_out import HeldOutTiles

FACTORS = tuple(2 ** (k / 3) for k in (-3, -2, -1, 1, 2, 3, 4))
"""Wanted bases per chunk over those of the trained threshold: 1/2 to 2.5."""

LEVEL_WINDOWS = 64
"""Windows that the grid of thresholds is measured on, at most."""

Progress = Callable[[int], object]


@dataclass(frozen=True)
class CurvePoint:
    """All windows at one threshold.

    Attributes
    ----------
    threshold : float or None
        What the outermost stage asked at; None for a model without one.
    nats_W, flops_W : ndarray of float64, shape (windows,)
        Nats of the scored bases and forward FLOPs of each window.
    scored_W, read_W : ndarray of int64, shape (windows,)
        Bases that were scored, and all bases, which cost FLOPs even where they are N.
    chunks_W : ndarray of int64, shape (windows,)
        Chunks of the outermost stage; none in an isotropic model.
    positions : int
        Positions of the outermost stage.
    """

    threshold: float | None
    nats_W: Floats
    flops_W: Floats
    scored_W: Ints
    read_W: Ints
    chunks_W: Ints
    positions: int

    @property
    def nats_per_base(self) -> float:
        """Summed nats over scored bases."""
        return float(self.nats_W.sum() / self.scored_W.sum())

    @property
    def flops_per_base(self) -> float:
        """FLOPs of all windows over all their bases."""
        return float(self.flops_W.sum() / self.read_W.sum())

    @property
    def bases_per_chunk(self) -> float:
        """Mean length of the outermost chunks; nan without any."""
        chunks = int(self.chunks_W.sum())
        return self.positions / chunks if chunks else float("nan")


@dataclass(frozen=True)
class Curve:
    """A model at all thresholds.

    Attributes
    ----------
    subject : Subject
        The model.
    points : tuple of CurvePoint
        By rising threshold; a single one where there is none to move.
    trained : int
        Which of them is as trained.
    """

    subject: Subject
    points: tuple[CurvePoint, ...]
    trained: int = 0

    @property
    def as_trained(self) -> CurvePoint:
        """The point of the trained threshold."""
        return self.points[self.trained]

    @property
    def moves(self) -> bool:
        """Whether there is a threshold."""
        return self.as_trained.threshold is not None


def outermost_stage(subject: Subject) -> Any:
    """The module that chunks bases; None in isotropic models and those of longer tokens."""
    stages = chunking_stages(subject.model) if subject.stages else []
    return stages[0] if stages else None


def trained_threshold(subject: Subject) -> float | None:
    """The threshold of the outermost stage; None where nothing is compared with one."""
    stage = outermost_stage(subject)
    return threshold_of(stage) if stage is not None else None


@torch.no_grad()
def threshold_grid(
    subject: Subject, held_out: HeldOut, factors: Sequence[float] = FACTORS
) -> list[float]:
    """Thresholds around the trained one, which is among them, in rising order.

    They are quantiles of what is compared with the threshold on the windows themselves: a chunk
    of `factor` times the length needs 1 / `factor` of the positions to ask. Forced boundaries and
    ties shift what is achieved, so the grid is by what is asked and curves by what is achieved.
    Likelihood has no part in it.

    Parameters
    ----------
    subject : Subject
        A model with a threshold.
    held_out : HeldOut
        The windows; at most `LEVEL_WINDOWS` of them are read.
    factors : sequence of float
        Wanted bases per chunk over the trained ones.
    """
    stage = outermost_stage(subject)
    trained = threshold_of(stage)
    assert trained is not None, "only models with a threshold have a grid"
    tiles = held_out.tiles()
    if len(tiles) > LEVEL_WINDOWS:
        tiles = HeldOutTiles(held_out.genome, held_out.intervals, held_out.length_bp, LEVEL_WINDOWS)
    batch_size = subject.windows_a_pass(tiles.length_bp)
    with recorded_levels(stage) as kept:
        for first in range(0, len(tiles), batch_size):
            batch = to_device(HostBatch(tiles.batch(first, batch_size)), subject.device)
            with subject.precision():
                batch.scored_by(subject.model)
    level = torch.cat(kept).sort(descending=True).values.numpy()
    if not level.size:
        return [trained]
    rule = getattr(stage.routing_module, "rule", None)
    tied = rule.tie_share * np.sum(level == trained) if rule is not None else 0.0
    asking = max(float(np.sum(level > trained) + tied), 1.0)
    # With the k-th highest level as threshold, k levels (if none are tied) are above it.
    places = [min(round(asking / factor), level.size - 1) for factor in factors]
    return sorted({trained, *(float(level[place]) for place in places)})


def trace_curve(
    subject: Subject,
    tiles: HeldOutTiles,
    blocks: Blocks,
    thresholds: Sequence[float] = (),
    progress: Progress | None = None,
) -> Curve:
    """Score all windows at every threshold; once for a model that has none.

    Parameters
    ----------
    subject : Subject
        The model; it is left as it was.
    tiles : HeldOutTiles
        The windows.
    blocks : Blocks
        Of these windows.
    thresholds : sequence of float
        Of the outermost stage; the trained one is added. Inner stages keep theirs.
    progress : callable, optional
        Called with the number of windows just scored.
    """
    trained = trained_threshold(subject)
    if trained is None:
        sums = sum_windows(subject, tiles, blocks, progress=progress)
        return Curve(subject, (_point(subject, tiles, sums, None),))
    ordered = sorted({trained, *thresholds})
    points = []
    for threshold in ordered:
        with moved_threshold(subject.model, threshold):
            sums = sum_windows(subject, tiles, blocks, progress=progress)
        points.append(_point(subject, tiles, sums, threshold))
    return Curve(subject, tuple(points), ordered.index(trained))


def _point(
    subject: Subject, tiles: HeldOutTiles, sums: WindowSums, threshold: float | None
) -> CurvePoint:
    """FLOPs are counted window by window, each at its own length and its own chunk rates."""
    read_W = np.array([tiles.interval(i).length_bp for i in range(len(tiles))], dtype=np.int64)
    flops_W = np.full(len(tiles), np.nan)
    if subject.flops is not None:
        for i, length_bp in enumerate(read_W.tolist()):
            rates = (sums.positions_SW[:, i] / sums.chunks_SW[:, i]).tolist()
            flops_W[i] = subject.flops(length_bp, rates) * length_bp
    staged = bool(subject.stages)
    return CurvePoint(
        threshold=threshold,
        nats_W=sums.nats_W,
        flops_W=flops_W,
        scored_W=sums.bases_W,
        read_W=read_W,
        chunks_W=sums.chunks_SW[0] if staged else np.zeros(len(tiles), dtype=np.int64),
        positions=sums.positions[0] if staged else 0,
    )
