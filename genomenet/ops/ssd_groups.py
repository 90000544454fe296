"""How the SSD scan cuts a batch into groups of blocks, and the decays within one group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from genomenet.ops.scratch import Scratch

# exp(-60) is 9e-27, far below rounding: a stronger decay is indistinguishable from it. Bounding
# the exponents keeps the rounding error of cumulative sums small, and exp away from denormal
# results and -inf, for which it is 6 times slower on a CPU.
MIN_LOG_DECAY = {torch.float32: -60.0, torch.float64: -600.0}


class Group(NamedTuple):
    """Rows `rows` of the batch, positions `positions`, as `blocks` blocks from `first` on."""

    rows: slice
    positions: slice
    first: int
    blocks: int


def groups(batch: int, length: int, block: int, size: int) -> Iterator[Group]:
    """Tile (batch, length) in groups of about `size` positions, in order along each row.

    A last group of one shorter block holds the ragged tail.

    Parameters
    ----------
    batch, length, block : int
        Extent of the data and of one block.
    size : int
        Positions a group should hold.

    Yields
    ------
    Group
        Rows, positions and blocks.
    """
    full = length // block
    along = max(1, min(full, size // block))
    rows = max(1, size // (along * block))
    for row in range(0, batch, rows):
        some = slice(row, min(batch, row + rows))
        for first in range(0, full, along):
            count = min(along, full - first)
            yield Group(some, slice(first * block, (first + count) * block), first, count)
        if full * block < length:
            yield Group(some, slice(full * block, length), full, 1)


class Decay(NamedTuple):
    """Decays of one group (r rows, g blocks, l positions, h heads), all of them at most 1."""

    start_rglh: Tensor  # from the start of the block up to and including a position
    end_rglh: Tensor  # from after a position to the end of the block
    pairs_rghll: Tensor  # [i, j]: from after j up to and including i; 1 for j > i


def decays(dt_rglh: Tensor, A_h: Tensor, scratch: Scratch) -> Decay:
    """Exponentials of (differences of) cumulative ``dt A``; no exponent is ever positive.

    Parameters
    ----------
    dt_rglh, A_h : Tensor
        Step sizes and decay rates.
    scratch : Scratch
        Its buffer ``pairs`` is used.

    Returns
    -------
    Decay
        Of a position within its block.
    """
    low = MIN_LOG_DECAY[dt_rglh.dtype]
    r, g, length, h = dt_rglh.shape
    a = (dt_rglh * A_h).clamp_(min=low).cumsum(2)
    a_rghl = a.transpose(2, 3).contiguous()
    pairs = scratch("pairs", a.dtype, r, g, h, length, length)
    torch.sub(a_rghl.unsqueeze(-1), a_rghl.unsqueeze(-2), out=pairs).clamp_(low, 0).exp_()
    end = (a[:, :, -1:] - a).clamp_(min=low).exp_()
    return Decay(a.clamp_(min=low).exp_(), end, pairs)
