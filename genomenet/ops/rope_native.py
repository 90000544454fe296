"""Queries, keys and values of a joint projection, rotated by the compiled library."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from genomenet.ops import native


class NativeRotation(torch.autograd.Function):
    """``NativeRotation.apply(qkv, cos, sin)``: (B, L, 3, H, P) to three of (B, L, H, P).

    The gradients of all three are written where they belong in one tensor of the first shape.
    """

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, ...]:
        qkv = qkv.contiguous()
        batch, length, _, heads, width = qkv.shape
        q, k = torch.empty(2, batch, length, heads, width)
        native.call(
            "rope_forward", qkv, cos, sin, q, k, batch, length, heads, width, cos.shape[-1]
        )
        ctx.save_for_backward(cos, sin)
        return q, k, qkv[:, :, 2]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        batch, length, heads, width = gradients[0].shape
        dqkv = torch.empty(batch, length, 3, heads, width)
        dense = [t if t.stride(-1) == 1 else t.contiguous() for t in gradients]
        native.call(
            "rope_backward",
            *(part for t in dense for part in (t, *t.stride()[:3])),
            cos, sin, dqkv, batch, length, heads, width, cos.shape[-1],
        )  # fmt: skip
        return dqkv, None, None
