"""Queries, keys and values of a joint projection, rotated by the compiled library."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from genomenet.ops.native import library


class NativeRotation(torch.autograd.Function):
    """``NativeRotation.apply(qkv, cos, sin)``: (B, L, 3, H, P) to three of (B, L, H, P).

    In float32 or bfloat16; cosines and sines are float32.

    The gradients of all three are written where they belong in one tensor of the first shape.
    """

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, ...]:  # noqa: D102
        qkv = qkv.contiguous()
        batch, length, _, heads, width = qkv.shape
        q, k = qkv.new_empty(2, batch, length, heads, width)
        library.call(
            "rope_forward", qkv, cos, sin, q, k, batch, length, heads, width, cos.shape[-1],
            library.is_half(qkv),
        )  # fmt: skip
        ctx.save_for_backward(cos, sin)
        return q, k, qkv[:, :, 2]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:  # noqa: D102
        cos, sin = ctx.saved_tensors
        batch, length, heads, width = gradients[0].shape
        dqkv = gradients[0].new_empty(batch, length, 3, heads, width)
        library.call(
            "rope_backward",
            *library.heads(*gradients),
            cos, sin, dqkv, batch, length, heads, width, cos.shape[-1], library.is_half(dqkv),
        )  # fmt: skip
        return dqkv, None, None
