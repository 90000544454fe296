"""One pass of a model over held-out windows, added up by window, kind of base and position."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from genomenet.annotation.region_classes import REPEAT
from genomenet.annotation.regions import RegionTrack
from genomenet.errors import UserError
from genomenet.evaluation.blocks import Blocks, Floats, Ints
from genomenet.evaluation.sequences import at_bases
from genomenet.evaluation.subject import Subject
from genomenet.training.batch import HostBatch, to_device
from genomenet.windows.held_out import HeldOutTiles
from genomenet.windows.window_batch import WindowBatch

SOFT_MASKED = 2 * REPEAT
GROUPS = 2 * SOFT_MASKED
"""A group is the byte of a `RegionTrack` (class, strand, repeat) and the genome's soft mask."""


@dataclass(frozen=True)
class WindowSums:
    """What a model's bases cost on one strand, added up.

    Groups come first in arrays over blocks: most never occur, and memory that is never written
    to takes no room.

    Attributes
    ----------
    nats_W, bases_W : ndarray of float64 and int64, shape (windows,)
        Of each window.
    nats_GK, bases_GK : ndarray of float64 and int64, shape (GROUPS, blocks)
        Of each group of bases in each block.
    nats_PK, bases_PK : ndarray of float64 and int64, shape (bins, blocks)
        By position in the window: bin 0 is the first base that is read, and bin p > 0 holds
        positions 2**(p-1) to 2**p - 1 (0-based).
    positions_SW, chunks_SW : ndarray of int64, shape (stages, windows)
        Positions and boundaries of each stage, outermost first, in each window.
    decided_G : ndarray of int64, shape (GROUPS,)
        Scored bases on which boundaries were decided: all but the last of each window.
    chunks_SG : ndarray of int64, shape (stages, GROUPS)
        How many of these are boundaries.
    """

    nats_W: Floats
    bases_W: Ints
    nats_GK: Floats
    bases_GK: Ints
    nats_PK: Floats
    bases_PK: Ints
    positions_SW: Ints
    chunks_SW: Ints
    decided_G: Ints
    chunks_SG: Ints

    @property
    def positions(self) -> tuple[int, ...]:
        """Positions of each stage, outermost first."""
        return tuple(self.positions_SW.sum(1).tolist())

    @property
    def chunks(self) -> tuple[int, ...]:
        """Boundaries of each stage, outermost first."""
        return tuple(self.chunks_SW.sum(1).tolist())


@torch.no_grad()
def sum_windows(
    subject: Subject,
    tiles: HeldOutTiles,
    blocks: Blocks,
    regions: RegionTrack | None = None,
    reverse: bool = False,
    progress: Callable[[int], object] | None = None,
) -> WindowSums:
    """Score every window once; sums don't depend on the batch size.

    Parameters
    ----------
    subject : Subject
        The model.
    tiles : HeldOutTiles
        Windows that hold each base once; N is never scored.
    blocks : Blocks
        Where sums are kept apart.
    regions : RegionTrack, optional
        Classes of the bases; without it all have class 0.
    reverse : bool
        Read the windows' reverse complements. A base keeps the group it has on the genome.
    progress : callable, optional
        Called with the number of windows just scored.

    Raises
    ------
    UserError
        When the windows hold nothing to score.
    """
    windows, stages = len(tiles), subject.stages
    bins = (tiles.length_bp - 1).bit_length() + 1
    found = WindowSums(
        nats_W=np.zeros(windows),
        bases_W=np.zeros(windows, dtype=np.int64),
        nats_GK=np.zeros((GROUPS, len(blocks))),
        bases_GK=np.zeros((GROUPS, len(blocks)), dtype=np.int64),
        nats_PK=np.zeros((bins, len(blocks))),
        bases_PK=np.zeros((bins, len(blocks)), dtype=np.int64),
        positions_SW=np.zeros((stages, windows), dtype=np.int64),
        chunks_SW=np.zeros((stages, windows), dtype=np.int64),
        decided_G=np.zeros(GROUPS, dtype=np.int64),
        chunks_SG=np.zeros((stages, GROUPS), dtype=np.int64),
    )
    bin_L = np.array([i.bit_length() for i in range(tiles.length_bp)])
    batch_size = subject.windows_a_pass(tiles.length_bp)
    for first in range(0, windows, batch_size):
        read = tiles.batch(first, min(batch_size, windows - first))
        if reverse:
            read = replace(read, flip=np.ones(len(read.lengths), dtype=np.bool_))
        batch = to_device(HostBatch(read), subject.device)
        with subject.precision():
            output = batch.scored_by(subject.scorer(tiles.length_bp))
        nats_BL = output.nats_BL.double().cpu().numpy()
        scored_BL = (batch.targets_BL >= 0).cpu().numpy()
        last = first + len(nats_BL)
        found.nats_W[first:last] = nats_BL.sum(1)
        found.bases_W[first:last] = scored_BL.sum(1)
        group_BL = _groups(read, regions)
        block_B = blocks.of_window[first:last]
        _add(found.nats_GK, found.bases_GK, group_BL, block_B, nats_BL, scored_BL)
        bin_BL = np.broadcast_to(bin_L, nats_BL.shape)
        _add(found.nats_PK, found.bases_PK, bin_BL, block_B, nats_BL, scored_BL)
        for stage, routing in enumerate(output.boundaries):
            found.positions_SW[stage, first:last] = routing.valid.sum(1).cpu().numpy()
            found.chunks_SW[stage, first:last] = routing.mask.sum(1).cpu().numpy()
        if stages:
            # What was decided on base i stands at position i + 1, where it has been read.
            inner_BL = np.arange(nats_BL.shape[1] - 1) < read.lengths[:, None] - 1
            decided_BL = scored_BL[:, :-1] & inner_BL
            found.decided_G[:] += np.bincount(group_BL[:, :-1][decided_BL], minlength=GROUPS)
            for stage, (_, boundary_BL) in enumerate(at_bases(output.boundaries)):
                kept = decided_BL & boundary_BL.numpy()[:, 1:]
                found.chunks_SG[stage] += np.bincount(group_BL[:, :-1][kept], minlength=GROUPS)
        if progress is not None:
            progress(last - first)
    if not found.bases_W.any():
        raise UserError("there is nothing to score: the windows hold no A, C, G or T")
    return found


def _groups(windows: WindowBatch, regions: RegionTrack | None) -> npt.NDArray[np.intp]:
    """The group of every base in the order the model reads them, shape (B, L)."""
    group_BL = windows.masked.astype(np.intp) * SOFT_MASKED
    places = zip(windows.contigs, windows.starts.tolist(), windows.lengths.tolist(), strict=True)
    for row, (contig, start, bases) in enumerate(places):
        if regions is not None:
            group_BL[row, :bases] += regions.read_bytes(contig, start, start + bases)
        if windows.flip[row]:
            group_BL[row, :bases] = group_BL[row, :bases][::-1].copy()
    return group_BL


def _add(
    nats_XK: Floats,
    bases_XK: Ints,
    kind_BL: npt.NDArray[np.intp],
    block_B: Ints,
    nats_BL: Floats,
    scored_BL: npt.NDArray[np.bool_],
) -> None:
    """Add nats and bases to their kinds in the blocks of their windows."""
    kinds = len(nats_XK)
    touched, local_B = np.unique(block_B, return_inverse=True)
    cell = (kind_BL + kinds * local_B.reshape(-1, 1))[scored_BL]
    size, shape = kinds * len(touched), (len(touched), kinds)
    nats = np.bincount(cell, nats_BL[scored_BL], size).reshape(shape)
    bases = np.bincount(cell, minlength=size).reshape(shape)
    used = np.flatnonzero(bases.any(0))
    nats_XK[np.ix_(used, touched)] += nats[:, used].T
    bases_XK[np.ix_(used, touched)] += bases[:, used].T
