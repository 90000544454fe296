"""Causal attention, global or in a window, by the compiled library."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from genomenet.ops.native import library


class NativeAttention(torch.autograd.Function):
    """``NativeAttention.apply(q, k, v, window)`` on (B, L, H, P); see `causal_attention`.

    In float32 or bfloat16. Sums are float32; of bfloat16, what is multiplied is too, except on
    processors that multiply pairs of bfloat16: there weights are rounded to it before products, as
    flash-attn does. Saves its inputs and its output as they are, and one number a query and head.
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:  # noqa: D102
        y, logsum = attention_forward(q, k, v, window)
        ctx.save_for_backward(q, k, v, y, logsum)
        ctx.window = window
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:  # noqa: D102
        q, k, v, y, logsum = ctx.saved_tensors
        dq = torch.empty_like(y)
        dk, dv = y.new_zeros(2, *q.shape, dtype=torch.float32)
        library.call(
            "attention_backward", *library.heads(*(t.to(q.dtype) for t in (dy, q, k, v))), y,
            logsum, dq, dk, dv, *q.shape, ctx.window, library.is_half(q),
        )  # fmt: skip
        return dq, dk.to(k.dtype), dv.to(v.dtype), None


def attention_forward(
    q: Tensor, k: Tensor, v: Tensor, window: int, missing: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Attention of the last L of T positions.

    Parameters
    ----------
    q : Tensor
        (B, L, H, P).
    k, v : Tensor
        (B, T, H, P).
    window : int
        As in `genomenet.ops.causal_attention`.
    missing : Tensor of int64, optional
        How many of the first T - L positions a row doesn't have, (B,).

    Returns
    -------
    tuple of Tensor
        (B, L, H, P), and the logarithm of each query's sum of exponentials, (B, H, L).
    """
    batch, length, heads, _ = q.shape
    y = q.new_empty(q.shape)
    logsum = y.new_empty(batch, heads, length, dtype=torch.float32)
    library.call(
        "attention_forward", *library.heads(*(t.to(q.dtype) for t in (q, k, v))), missing, y,
        logsum, *q.shape, k.shape[1], window, library.is_half(q),
    )  # fmt: skip
    return y, logsum
