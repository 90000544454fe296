"""What a model says of every base of held-out windows, window by window, as browsers show it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from genomenet.evaluation.sequences import BaseBoundaries, at_bases
from genomenet.evaluation.subject import Subject
from genomenet.genome.intervals import Interval
from genomenet.training.batch import HostBatch, to_device
from genomenet.windows.held_out import HeldOutTiles


@dataclass(frozen=True)
class WindowTracks:
    """One window.

    Attributes
    ----------
    place : Interval
        Where it is.
    scored : ndarray of bool, shape (bases,)
        False at N.
    nats : ndarray of float64, shape (bases,)
        Negative log-likelihood of every base; 0 where nothing is scored.
    depth : ndarray of uint8, shape (bases,)
        How many steps inwards, from bases to the innermost network, the model went at the position
        that predicts the base.
    boundaries : tuple of BaseBoundaries
        One a stage, outermost first: what was decided after reading each base. The last base of a
        window is never read, so its probability is nan.
    """

    place: Interval
    scored: npt.NDArray[np.bool_]
    nats: npt.NDArray[np.float64]
    depth: npt.NDArray[np.uint8]
    boundaries: tuple[BaseBoundaries, ...]


@torch.no_grad()
def window_tracks(
    subject: Subject, tiles: HeldOutTiles, progress: Callable[[int], object] | None = None
) -> Iterator[WindowTracks]:
    """Score windows one after the other, each from its own first base on.

    Parameters
    ----------
    subject : Subject
        The model.
    tiles : HeldOutTiles
        The windows; they come out in their order, by contig name and start.
    progress : callable, optional
        Called with the number of windows just scored.
    """
    batch_size = subject.windows_a_pass(tiles.length_bp)
    for first in range(0, len(tiles), batch_size):
        host = HostBatch(tiles.batch(first, min(batch_size, len(tiles) - first)))
        batch = to_device(host, subject.device)
        with subject.precision():
            output = batch.scored_by(subject.scorer(tiles.length_bp))
        scored_BL = (batch.targets_BL >= 0).cpu().numpy()
        nats_BL = output.nats_BL.double().cpu().numpy()
        stages = [(one.numpy(), other.numpy()) for one, other in at_bases(output.boundaries)]
        for row, length in enumerate(host.windows.lengths.tolist()):
            depth = np.zeros(length, dtype=np.uint8)
            for _, boundary_BL in stages:
                depth += boundary_BL[row, :length]
            yield WindowTracks(
                tiles.interval(first + row),
                scored_BL[row, :length].copy(),
                nats_BL[row, :length].copy(),
                depth,
                tuple(
                    # A decision on base i stands at position i + 1.
                    BaseBoundaries(
                        np.append(probability_BL[row, 1:length], np.float32(np.nan)),
                        np.append(boundary_BL[row, 1:length], False),
                    )
                    for probability_BL, boundary_BL in stages
                ),
            )
        if progress is not None:
            progress(len(host.windows.lengths))
