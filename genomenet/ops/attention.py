"""Causal attention, global or within a sliding window."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from genomenet.ops import backend
from genomenet.ops.native import library
from genomenet.ops.native.attention import NativeAttention
from genomenet.ops.packing import Packing


def causal_attention(
    q_BLHP: Tensor,
    k_BLHP: Tensor,
    v_BLHP: Tensor,
    window: int = -1,
    packing: Packing | None = None,
) -> Tensor:
    """Softmax attention of every position to itself and those before it, scaled by 1/sqrt(P).

    Parameters
    ----------
    q_BLHP, k_BLHP, v_BLHP : Tensor
        Queries, keys, values.
    window : int, default -1
        -1: all positions before. w >= 0: the w positions before (1023 means 1024 keys).
    packing : Packing, optional
        The rows are one packed row; no sequence sees another.

    Returns
    -------
    Tensor
        (B, L, H, P). A window never costs a mask of L x L: positions 0 to w see all before
        them, the rest are done in blocks of queries against the keys a block can see.

    Raises
    ------
    ValueError
        If the shapes differ or `window` is below -1.
    """
    if q_BLHP.ndim != 4 or not q_BLHP.shape == k_BLHP.shape == v_BLHP.shape:
        shapes = [tuple(t.shape) for t in (q_BLHP, k_BLHP, v_BLHP)]
        raise ValueError(f"q, k and v need one shape (B, L, H, P): {shapes}")
    if window < -1:
        raise ValueError(f"window must be -1 (global) or at least 0, got {window}")
    if backend.uses("attention", q_BLHP):
        return backend.flash_attention(q_BLHP, k_BLHP, v_BLHP, window, packing)
    if packing is not None:
        return packing.padded(
            lambda q, k, v: causal_attention(q, k, v, window), q_BLHP, k_BLHP, v_BLHP
        )
    if library.serves(q_BLHP, k_BLHP, v_BLHP, dtypes=library.HALVES):
        return NativeAttention.apply(q_BLHP, k_BLHP, v_BLHP, window)
    q, k, v = (t.transpose(1, 2) for t in (q_BLHP, k_BLHP, v_BLHP))
    if window < 0 or window >= q.shape[2] - 1:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
    return _windowed(q, k, v, window).transpose(1, 2)


def attend(q_RHP: Tensor, k_RHTP: Tensor, v_RHTP: Tensor, seen_RT: Tensor | None = None) -> Tensor:
    """Softmax attention of one query a row to the keys it sees, scaled by 1/sqrt(P).

    Parameters
    ----------
    q_RHP : Tensor
        Queries.
    k_RHTP, v_RHTP : Tensor
        Keys and values in any order; those that are not seen may hold any finite number.
    seen_RT : Tensor of bool, optional
        Which keys each query sees; at least one. All when left out.

    Returns
    -------
    Tensor
        (R, H, P).
    """
    mask = None if seen_RT is None else seen_RT[:, None, None, :]
    y_RH1P = F.scaled_dot_product_attention(q_RHP.unsqueeze(2), k_RHTP, v_RHTP, attn_mask=mask)
    return y_RH1P.squeeze(2)


def query_block(window: int, rest: int) -> int:
    """Choose the queries per block: few enough that most keys read lie in most windows.

    Parameters
    ----------
    window : int
        Positions before the current one that are seen.
    rest : int
        Queries to be done in blocks.

    Returns
    -------
    int
        At least 1 and at most `rest`.
    """
    # Measured for windows 255 and 1023: with plain float32 products a quarter of the window is
    # best; with lower precision small products are slow, so that fewer, larger blocks win.
    share = 4 if torch.get_float32_matmul_precision() == "highest" else 1
    return min(rest, max(64, (window + 1) // share))


def _windowed(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    """Sliding window on (B, H, L, P) with window < L - 1."""
    batch, _, length, _ = q.shape
    head = window + 1
    q_head, k_head, v_head = (t[:, :, :head] for t in (q, k, v))
    parts = [F.scaled_dot_product_attention(q_head, k_head, v_head, is_causal=True)]
    block = query_block(window, length - head)
    keys = block + window
    query, key = torch.arange(block, device=q.device), torch.arange(keys, device=q.device)
    ahead = key - query[:, None]  # query i sits at key i + window
    seen = (ahead >= 0) & (ahead <= window)
    mask = torch.zeros(block, keys, dtype=q.dtype, device=q.device)
    mask.masked_fill_(~seen, float("-inf"))
    full = (length - head) // block
    if full:
        stop = head + full * block
        q_blocks = q[:, :, head:stop].unflatten(2, (full, block)).transpose(1, 2).flatten(0, 1)
        k_blocks, v_blocks = (
            t[:, :, 1:stop].unfold(2, keys, block).permute(0, 2, 1, 4, 3).flatten(0, 1)
            for t in (k, v)
        )
        y = F.scaled_dot_product_attention(q_blocks, k_blocks, v_blocks, attn_mask=mask)
        parts.append(y.unflatten(0, (batch, full)).transpose(1, 2).flatten(2, 3))
    start = head + full * block
    if start < length:
        tail = length - start
        y = F.scaled_dot_product_attention(
            q[:, :, start:],
            k[:, :, start - window :],
            v[:, :, start - window :],
            attn_mask=mask[:tail, : tail + window],
        )
        parts.append(y)
    return torch.cat(parts, 2)
