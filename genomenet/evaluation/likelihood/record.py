"""Held-out likelihood of a checkpoint, as studies keep it."""

import math
from collections.abc import Callable

import numpy as np

from genomenet.annotation.region_classes import CLASS_BITS, REPEAT
from genomenet.annotation.regions import RegionTrack
from genomenet.evaluation.blocks import lay_blocks
from genomenet.evaluation.results import Likelihood, RegionLikelihood
from genomenet.evaluation.subject import Subject
from genomenet.evaluation.window_sums import GROUPS, SOFT_MASKED, WindowSums, sum_windows
from genomenet.windows.held_out import HeldOutTiles


def held_out_likelihood(
    subject: Subject,
    tiles: HeldOutTiles,
    checkpoint: str,
    progress: Callable[[int], object] | None = None,
    regions: RegionTrack | None = None,
) -> Likelihood:
    """Score tiles and add up; sums don't depend on the batch size or the order.

    Parameters
    ----------
    subject : Subject
        The model.
    tiles : HeldOutTiles
        Windows that hold each base once; N is never scored.
    checkpoint : {"before decay", "final", "best"}
        Recorded in the result.
    progress : callable, optional
        Called with the number of tiles just scored.
    regions : RegionTrack, optional
        Classes of the bases, to add up by class as well.
    """
    sums = sum_windows(subject, tiles, lay_blocks(tiles), regions, progress=progress)
    nats_G, bases_G = sums.nats_GK.sum(1), sums.bases_GK.sum(1)
    nats, bases = math.fsum(sums.nats_W), int(sums.bases_W.sum())
    masked_nats = float(nats_G[SOFT_MASKED:].sum())
    masked_bases = int(bases_G[SOFT_MASKED:].sum())
    return Likelihood(
        checkpoint=checkpoint,  # type: ignore[arg-type]
        nats=nats / bases,
        bases=bases,
        window_nats=tuple(sums.nats_W.tolist()),
        window_bases=tuple(sums.bases_W.tolist()),
        masked_nats=masked_nats,
        masked_bases=masked_bases,
        unmasked_nats=nats - masked_nats,
        unmasked_bases=bases - masked_bases,
        bases_per_chunk=bases_per_chunk(sums),
        flops_per_base=achieved_flops(subject, sums, tiles.length_bp),
        regions=_by_class(nats_G, bases_G, regions.classes) if regions is not None else (),
    )


def bases_per_chunk(sums: WindowSums) -> tuple[float, ...]:
    """Bases that a chunk of each stage held, outermost first."""
    return tuple(sums.positions[0] / count for count in sums.chunks)


def achieved_flops(subject: Subject, sums: WindowSums, length_bp: int) -> float:
    """Forward FLOPs per base at the achieved chunk rates; nan where they are not known."""
    if subject.flops is None:
        return math.nan
    rates = [p / c for p, c in zip(sums.positions, sums.chunks, strict=True)]
    return subject.flops(length_bp, rates)


def _by_class(
    nats_G: np.ndarray, bases_G: np.ndarray, classes: tuple[str, ...]
) -> tuple[RegionLikelihood, ...]:
    group = np.arange(GROUPS)
    repeat = (group & REPEAT) > 0
    found = []
    for code, name in enumerate(classes):
        here = (group & CLASS_BITS) == code
        found.append(
            RegionLikelihood(
                name=name,
                nats=float(nats_G[here].sum()),
                bases=int(bases_G[here].sum()),
                repeat_nats=float(nats_G[here & repeat].sum()),
                repeat_bases=int(bases_G[here & repeat].sum()),
            )
        )
    return tuple(found)
