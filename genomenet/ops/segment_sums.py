"""Sums over runs of positions, and what positions fetch of them: the parts of segment attention.

M positions of a whole batch belong to S segments, or to the segment after the last, which holds
nothing and is thrown away. Slots are (S, K, H, P), positions (M, H, P).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from genomenet.ops.scratch import Scratch

# Numbers worked on at once: every temporary of a block of positions stays in the cache.
NUMBERS = 2**17


def number_segments(chunk_BL: Tensor, chunks: int) -> Tensor:
    """Chunks numbered through the whole batch, B * S for positions that belong to none."""
    rows = len(chunk_BL)
    row_B = torch.arange(rows, device=chunk_BL.device)
    inside_BL = (chunk_BL >= 0) & (chunk_BL < chunks)
    return torch.where(inside_BL, chunk_BL + chunks * row_B[:, None], rows * chunks).flatten()


def _extended(rows_SC: Tensor) -> Tensor:
    """One more row of zeros, for positions of no segment."""
    return torch.cat([rows_SC, rows_SC.new_zeros(1, rows_SC.shape[1])])


def fetch(rows: Tensor, segment_M: Tensor) -> Tensor:
    """``rows[segment]``, with zeros for the segment after the last."""
    fetched = _extended(rows.flatten(1)).index_select(0, segment_M)
    return fetched.view(len(segment_M), *rows.shape[1:])


def add_up(values: Tensor, segment_M: Tensor, segments: int) -> Tensor:
    """Sum the values (M, ...) of every segment; those of the segment after the last are lost."""
    flat = values.flatten(1)
    index = segment_M.unsqueeze(1).expand(flat.shape)
    out = flat.new_zeros(segments + 1, flat.shape[1]).scatter_add_(0, index, flat)
    return out[:-1].view(segments, *values.shape[1:])


def _blocks(positions: int, width: int, device: torch.device) -> Iterator[slice]:
    """Slices of positions whose numbers stay in a CPU's cache; everything at once elsewhere."""
    step = max(1, NUMBERS // width) if device.type == "cpu" else max(1, positions)
    for start in range(0, positions, step):
        yield slice(start, min(start + step, positions))


def products(slots_SKHP: Tensor, x_MHP: Tensor, segment_M: Tensor) -> Tensor:
    """Inner products (M, K, H) of every position with the slots of its segment."""
    flat, scratch = _extended(slots_SKHP.flatten(1)), Scratch(x_MHP.device)
    out = x_MHP.new_empty(len(x_MHP), *slots_SKHP.shape[1:3])
    for some in _blocks(len(x_MHP), flat.shape[1], x_MHP.device):
        count = some.stop - some.start
        mine = scratch("mine", flat.dtype, count, flat.shape[1])
        torch.index_select(flat, 0, segment_M[some], out=mine)
        mine_MKHP = mine.view(count, *slots_SKHP.shape[1:])
        torch.sum(mine_MKHP.mul_(x_MHP[some].unsqueeze(1)), -1, out=out[some])
    return out


def read(slots_SKHP: Tensor, weight_MKH: Tensor, segment_M: Tensor) -> Tensor:
    """Weighted sums (M, H, P) of the slots of every position's segment."""
    flat, scratch = _extended(slots_SKHP.flatten(1)), Scratch(weight_MKH.device)
    _, slots, heads, width = slots_SKHP.shape
    out = slots_SKHP.new_empty(len(weight_MKH), heads, width)
    for some in _blocks(len(weight_MKH), flat.shape[1], weight_MKH.device):
        count = some.stop - some.start
        mine = scratch("mine", flat.dtype, count, flat.shape[1])
        torch.index_select(flat, 0, segment_M[some], out=mine)
        mine_MKHP = mine.view(count, slots, heads, width)
        torch.sum(mine_MKHP.mul_(weight_MKH[some].unsqueeze(-1)), 1, out=out[some])
    return out


def write(weight_MKH: Tensor, x_MHP: Tensor, segment_M: Tensor, segments: int) -> Tensor:
    """Weighted sums (S, K, H, P) of the positions of every segment."""
    scratch = Scratch(x_MHP.device)
    shape = (*weight_MKH.shape[1:], x_MHP.shape[-1])
    flat = x_MHP.new_zeros(segments + 1, math.prod(shape))
    for some in _blocks(len(x_MHP), flat.shape[1], x_MHP.device):
        theirs = scratch("theirs", flat.dtype, some.stop - some.start, *shape)
        torch.mul(weight_MKH[some].unsqueeze(-1), x_MHP[some].unsqueeze(1), out=theirs)
        flat.index_add_(0, segment_M[some], theirs.flatten(1))
    return flat[:-1].view(segments, *shape)
