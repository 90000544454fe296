"""Attention between positions and the chunk they belong to, without a mask of all pairs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from genomenet.ops.precision import no_autocast, scan_dtype
from genomenet.ops.segment_sums import add_up, fetch, number_segments, products, read, write


def segment_max(x_BLD: Tensor, chunk_BL: Tensor, chunks: int) -> Tensor:
    """Largest value of every channel over the positions of every chunk.

    Byte Latent Transformer (arXiv:2412.09871), section 3.2.2. Equal largest values share the
    gradient.

    Parameters
    ----------
    x_BLD : Tensor
        Positions.
    chunk_BL : Tensor of int64
        Chunk of every position, 0 to `chunks` - 1; whatever else belongs to no chunk.
    chunks : int
        S, chunks a row has room for.

    Returns
    -------
    Tensor
        (B, S, D); 0 for a chunk without positions.

    Raises
    ------
    ValueError
        If the shapes disagree.
    """
    if x_BLD.ndim != 3 or chunk_BL.shape != x_BLD.shape[:2]:
        raise ValueError(f"x and chunk need (B, L, D), (B, L): {_shapes(x_BLD, chunk_BL)}")
    segment_M = number_segments(chunk_BL, chunks)
    x_MD = x_BLD.flatten(0, 1)
    out = x_MD.new_zeros(len(x_BLD) * chunks + 1, x_BLD.shape[-1])
    index = segment_M.unsqueeze(1).expand(x_MD.shape)
    out = out.scatter_reduce(0, index, x_MD, "amax", include_self=False)
    return out[:-1].view(len(x_BLD), chunks, -1)


def segment_attention(q_BSKHP: Tensor, k_BLHP: Tensor, v_BLHP: Tensor, chunk_BL: Tensor) -> Tensor:
    """Softmax attention of K queries of every chunk to the positions of that chunk alone.

    The cross-attention of BLT's encoder (arXiv:2412.09871, equations 6 to 8), in time and memory
    of O(L): every position meets the queries of one chunk, and softmax and sums run over the
    runs of positions. Scaled by 1/sqrt(P).

    Parameters
    ----------
    q_BSKHP : Tensor
        Queries of S chunks.
    k_BLHP, v_BLHP : Tensor
        Keys and values of L positions.
    chunk_BL : Tensor of int64
        Chunk of every position, 0 to S - 1; whatever else belongs to no chunk.

    Returns
    -------
    Tensor
        (B, S, K, H, P) in the dtype of the queries, summed in float32 (or float64); 0 for a
        chunk without positions. Second derivatives are not available.

    Raises
    ------
    ValueError
        If the shapes disagree.
    """
    fits = q_BSKHP.ndim == 5 and k_BLHP.shape == v_BLHP.shape and k_BLHP.ndim == 4
    if not fits or chunk_BL.shape != k_BLHP.shape[:2] or not _heads_fit(q_BSKHP, k_BLHP):
        raise ValueError(
            "q, k, v and chunk need (B, S, K, H, P), (B, L, H, P) twice and (B, L): "
            f"{_shapes(q_BSKHP, k_BLHP, v_BLHP, chunk_BL)}"
        )
    dtype = scan_dtype(q_BSKHP, k_BLHP, v_BLHP)
    segment_M = number_segments(chunk_BL, q_BSKHP.shape[1])
    q, k, v = (t.to(dtype).flatten(0, 1) for t in (q_BSKHP, k_BLHP, v_BLHP))
    y = _SegmentAttention.apply(q, k, v, segment_M)
    return y.view(q_BSKHP.shape).to(q_BSKHP.dtype)


def slot_attention(q_BLHP: Tensor, k_BSKHP: Tensor, v_BSKHP: Tensor, chunk_BL: Tensor) -> Tensor:
    """Softmax attention of every position to the K slots of one chunk.

    The cross-attention of BLT's decoder (arXiv:2412.09871, section 3.3.1), in time and memory of
    O(L K): the slots are fetched, and the softmax runs over K numbers. Scaled by 1/sqrt(P).

    Parameters
    ----------
    q_BLHP : Tensor
        Queries of L positions.
    k_BSKHP, v_BSKHP : Tensor
        Keys and values of S chunks.
    chunk_BL : Tensor of int64
        The chunk that a position reads, 0 to S - 1; whatever else reads nothing.

    Returns
    -------
    Tensor
        (B, L, H, P) in the dtype of the queries, computed in float32 (or float64); 0 where
        nothing is read. Second derivatives are not available.

    Raises
    ------
    ValueError
        If the shapes disagree.
    """
    fits = q_BLHP.ndim == 4 and k_BSKHP.shape == v_BSKHP.shape and k_BSKHP.ndim == 5
    if not fits or chunk_BL.shape != q_BLHP.shape[:2] or not _heads_fit(k_BSKHP, q_BLHP):
        raise ValueError(
            "q, k, v and chunk need (B, L, H, P), (B, S, K, H, P) twice and (B, L): "
            f"{_shapes(q_BLHP, k_BSKHP, v_BSKHP, chunk_BL)}"
        )
    dtype = scan_dtype(q_BLHP, k_BSKHP, v_BSKHP)
    segment_M = number_segments(chunk_BL, k_BSKHP.shape[1])
    q, k, v = (t.to(dtype).flatten(0, 1) for t in (q_BLHP, k_BSKHP, v_BSKHP))
    return _SlotAttention.apply(q, k, v, segment_M).view(q_BLHP.shape).to(q_BLHP.dtype)


def spread(h_BSD: Tensor, chunk_BL: Tensor) -> Tensor:
    """Give every position the vector of one chunk: what `slot_attention` is for a single slot.

    Parameters
    ----------
    h_BSD : Tensor
        Chunks.
    chunk_BL : Tensor of int64
        The chunk that a position reads, 0 to S - 1; whatever else reads nothing.

    Returns
    -------
    Tensor
        (B, L, D); 0 where nothing is read.
    """
    segment_M = number_segments(chunk_BL, h_BSD.shape[1])
    return _Fetch.apply(h_BSD.flatten(0, 1), segment_M).view(*chunk_BL.shape, -1)


def _shapes(*tensors: Tensor) -> list[tuple[int, ...]]:
    return [tuple(t.shape) for t in tensors]


def _heads_fit(slots_BSKHP: Tensor, positions_BLHP: Tensor) -> bool:
    """Whether batch, heads and head width of both are the same."""
    rows, *heads = positions_BLHP.shape[0], *positions_BLHP.shape[2:]
    return (slots_BSKHP.shape[0], *slots_BSKHP.shape[3:]) == (rows, *heads)


class _Fetch(torch.autograd.Function):
    """Rows to the positions of their segments; its gradient is the sum over segments."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, segment_M: Tensor) -> Tensor:
        ctx.save_for_backward(segment_M)
        ctx.segments = len(rows)
        return fetch(rows, segment_M)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None]:
        (segment_M,) = ctx.saved_tensors
        return add_up(dy, segment_M, ctx.segments), None


class _SegmentAttention(torch.autograd.Function):
    """Saves the inputs, the output and one probability per position, slot and head."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, segment_M: Tensor) -> Tensor:
        with no_autocast(q):
            score = products(q, k, segment_M).mul_(q.shape[-1] ** -0.5)
            flat = score.flatten(1)
            index = segment_M.unsqueeze(1).expand(flat.shape)
            largest = flat.new_zeros(len(q) + 1, flat.shape[1])
            largest.scatter_reduce_(0, index, flat, "amax", include_self=False)
            p = score.sub_(largest.index_select(0, segment_M).view_as(score)).exp_()
            total = add_up(p, segment_M, len(q))
            p.div_(fetch(total, segment_M).clamp_(min=torch.finfo(p.dtype).tiny))
            y = write(p, v, segment_M, len(q))
        ctx.save_for_backward(q, k, v, segment_M, p, y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q, k, v, segment_M, p, y = ctx.saved_tensors
        with no_autocast(q):
            own = fetch((dy * y).sum(-1), segment_M)
            ds = products(dy, v, segment_M).sub_(own).mul_(p).mul_(q.shape[-1] ** -0.5)
            dq = write(ds, k, segment_M, len(q))
            return dq, read(q, ds, segment_M), read(dy, p, segment_M), None


class _SlotAttention(torch.autograd.Function):
    """Saves the inputs and one probability per position, slot and head."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, segment_M: Tensor) -> Tensor:
        with no_autocast(q):
            p = products(k, q, segment_M).mul_(q.shape[-1] ** -0.5).softmax(1)
            y = read(v, p, segment_M)
        ctx.save_for_backward(q, k, v, segment_M, p)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q, k, v, segment_M, p = ctx.saved_tensors
        with no_autocast(q):
            dp = products(v, dy, segment_M)
            ds = dp.sub_((dp * p).sum(1, keepdim=True)).mul_(p).mul_(q.shape[-1] ** -0.5)
            dk = write(ds, q, segment_M, len(k))
            dv = write(p, dy, segment_M, len(v))
            return read(k, ds, segment_M), dk, dv, None
