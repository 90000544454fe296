"""The causal convolution with SiLU by the compiled library."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from genomenet.ops.native import library


class NativeConvSiLU(torch.autograd.Function):
    """``NativeConvSiLU.apply(x, weight, bias)`` for 2 to 4 taps; saves its inputs only."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:  # noqa: D102
        x = library.rows_dense(x)
        weight_KC, bias = weight.t().contiguous(), bias.contiguous()
        ctx.save_for_backward(x, weight_KC, bias)
        return conv_forward(x, weight_KC, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # noqa: D102
        x, weight_KC, bias = ctx.saved_tensors
        dx = x.new_empty(x.shape)
        return dx, *conv_backward(library.rows_dense(dy), x, weight_KC, bias, dx)


def conv_forward(x: Tensor, weight_KC: Tensor, bias: Tensor) -> Tensor:
    """Convolve (B, L, C), whose positions lie dense, with 2 to 4 taps, and apply SiLU."""
    y = x.new_empty(x.shape)
    library.call("conv_forward", *library.rows(x), weight_KC, bias, y, *x.shape, len(weight_KC))
    return y


def conv_backward(
    dy: Tensor, x: Tensor, weight_KC: Tensor, bias: Tensor, dx: Tensor
) -> tuple[Tensor, Tensor]:
    """Fill `dx`, whose positions lie dense; returns the gradients of weight (C, K) and bias."""
    batch, length, channels = x.shape
    taps = len(weight_KC)
    parts = batch * -(-length // library.constant("conv_block"))
    dweight, dbias = x.new_empty(parts, taps, channels), x.new_empty(parts, channels)
    library.call(
        "conv_backward", *library.rows(dy), *library.rows(x), weight_KC, bias,
        *library.rows(dx), dweight, dbias, batch, length, channels, taps,
    )  # fmt: skip
    return dweight.sum(0).t(), dbias.sum(0)
