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
        y = x.new_empty(x.shape)
        batch, length, channels = x.shape
        library.call(
            "conv_forward", *library.rows(x), weight_KC, bias, y, batch, length, channels,
            len(weight_KC),
        )  # fmt: skip
        ctx.save_for_backward(x, weight_KC, bias)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # noqa: D102
        x, weight_KC, bias = ctx.saved_tensors
        batch, length, channels = x.shape
        taps = len(weight_KC)
        dy, dx = library.rows_dense(dy), x.new_empty(x.shape)
        parts = batch * -(-length // library.constant("conv_block"))
        dweight, dbias = x.new_empty(parts, taps, channels), x.new_empty(parts, channels)
        library.call(
            "conv_backward", *library.rows(dy), *library.rows(x), weight_KC, bias,
            *library.rows(dx), dweight, dbias, batch, length, channels, taps,
        )  # fmt: skip
        return dx, dweight.sum(0).t(), dbias.sum(0)
