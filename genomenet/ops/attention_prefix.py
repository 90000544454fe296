"""Attention of many positions at once to themselves and to keys remembered of a prefix."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from genomenet.ops.attention import query_block
from genomenet.ops.native import library
from genomenet.ops.native.attention import attention_forward

QUERIES = 256
"""Most queries done at a time: masks stay small, and keys that no query of a block sees few."""


def attend_behind(
    q_BHLP: Tensor, k_BHTP: Tensor, v_BHTP: Tensor, missing_B: Tensor, window: int = -1
) -> Tensor:
    """Softmax attention of each query to its own key and those before it, scaled by 1/sqrt(P).

    Parameters
    ----------
    q_BHLP : Tensor
        Queries of the last L of T consecutive positions.
    k_BHTP, v_BHTP : Tensor
        Keys and values of all T.
    missing_B : Tensor of int64
        How many of the first T - L positions a row doesn't have, for rows with a shorter past;
        there keys and values may be any finite number.
    window : int, default -1
        As in `causal_attention`.

    Returns
    -------
    Tensor
        (B, H, L, P). Has gradients where torch's own attention with a mask serves.
    """
    if not torch.is_grad_enabled() and library.serves(q_BHLP, k_BHTP, dtypes=library.HALVES):
        q, k, v = (t.transpose(1, 2) for t in (q_BHLP, k_BHTP, v_BHTP))
        y_BLHP, _ = attention_forward(q, k, v, window, missing_B.contiguous())
        return y_BLHP.transpose(1, 2).to(q_BHLP.dtype)
    length, past = q_BHLP.shape[2], k_BHTP.shape[2] - q_BHLP.shape[2]
    ragged = bool(missing_B.any())
    block = QUERIES if window < 0 else min(QUERIES, query_block(window, length))
    parts = []
    for first in range(0, length, block):
        last = min(first + block, length)
        low = 0 if window < 0 else max(0, past + first - window)
        query_L1 = past + torch.arange(first, last, device=q_BHLP.device).unsqueeze(1)
        key_T = torch.arange(low, past + last, device=q_BHLP.device)
        seen_LT = key_T <= query_L1
        if window >= 0:
            seen_LT &= key_T >= query_L1 - window
        seen = seen_LT[None, None]
        if ragged:
            seen = seen & (key_T >= missing_B.unsqueeze(1))[:, None, None]
        keys = slice(low, past + last)
        parts.append(
            F.scaled_dot_product_attention(
                q_BHLP[:, :, first:last], k_BHTP[:, :, keys], v_BHTP[:, :, keys], attn_mask=seen
            )
        )
    return torch.cat(parts, 2)
