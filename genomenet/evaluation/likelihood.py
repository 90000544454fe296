"""Held-out likelihood: every base scored once, summed by window and by repeat mask."""

import math
from collections.abc import Callable

import torch

from genomenet.annotation.regions import RegionTrack
from genomenet.errors import UserError
from genomenet.evaluation.region_sums import RegionSums
from genomenet.evaluation.results import Likelihood
from genomenet.evaluation.subject import Subject
from genomenet.training.batch import HostBatch, to_device
from genomenet.windows.held_out import HeldOutTiles


@torch.no_grad()
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
    checkpoint : {"before decay", "final"}
        Recorded in the result.
    progress : callable, optional
        Called with the number of tiles just scored.
    regions : RegionTrack, optional
        Classes of the bases, to add up by class as well.
    """
    batch_size = subject.windows_a_pass(tiles.length_bp)
    window_nats: list[float] = []
    window_bases: list[int] = []
    masked_nats = torch.zeros((), dtype=torch.float64)
    masked_bases = 0
    by_region = RegionSums(regions) if regions is not None else None
    positions, chunks = [0] * subject.stages, [0] * subject.stages
    for first in range(0, len(tiles), batch_size):
        host = HostBatch(tiles.batch(first, min(batch_size, len(tiles) - first)))
        batch = to_device(host, subject.device)
        with subject.precision():
            output = batch.scored_by(subject.model)
        nats_BL = output.nats_BL.double().cpu()
        scored_BL = (batch.targets_BL >= 0).cpu()
        masked_BL = scored_BL & torch.from_numpy(host.windows.masked)
        window_nats += nats_BL.sum(1).tolist()
        window_bases += scored_BL.sum(1).tolist()
        masked_nats += nats_BL[masked_BL].sum()
        masked_bases += int(masked_BL.sum())
        if by_region is not None:
            by_region.add(host.windows, nats_BL.numpy(), scored_BL.numpy())
        for stage, routing in enumerate(output.boundaries):
            positions[stage] += int(routing.valid.sum())
            chunks[stage] += int(routing.mask.sum())
        if progress is not None:
            progress(len(host.windows.lengths))
    rates = [p / c for p, c in zip(positions, chunks, strict=True)]
    nats, bases = sum(window_nats), sum(window_bases)
    if bases == 0:
        raise UserError("there is nothing to score: the windows hold no A, C, G or T")
    return Likelihood(
        checkpoint=checkpoint,  # type: ignore[arg-type]
        nats=nats / bases,
        bases=bases,
        window_nats=tuple(window_nats),
        window_bases=tuple(window_bases),
        masked_nats=float(masked_nats),
        masked_bases=masked_bases,
        unmasked_nats=nats - float(masked_nats),
        unmasked_bases=bases - masked_bases,
        bases_per_chunk=tuple(positions[0] / count for count in chunks),
        flops_per_base=subject.flops(tiles.length_bp, rates) if subject.flops else math.nan,
        regions=by_region.likelihoods() if by_region is not None else (),
    )
