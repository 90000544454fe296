"""RMSNorm and the gated RMSNorm by the compiled library."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from genomenet.ops.native import library


class NativeNorm(torch.autograd.Function):
    """``NativeNorm.apply(x, gate, weight, eps)``; without a gate it is RMSNorm.

    Saves its inputs and one number a row.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, gate: Tensor | None, weight: Tensor, eps: float) -> Tensor:  # noqa: D102
        x, weight = x.contiguous(), weight.contiguous()
        width = x.shape[-1]
        count = x.numel() // width if width else 0
        if gate is not None and _spacing(gate) is None:
            gate = gate.contiguous()
        out, inverse = x.new_empty(x.shape), x.new_empty(count)
        library.call(
            "norm_forward", x, gate, _spacing(gate), weight, out, inverse, count, width, eps
        )
        ctx.save_for_backward(x, gate, weight, inverse)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor | None, ...]:  # noqa: D102
        x, gate, weight, inverse = ctx.saved_tensors
        width, count = x.shape[-1], len(inverse)
        dx = x.new_empty(x.shape)
        dgate = None if gate is None else x.new_empty(gate.shape)
        dweight = x.new_empty(-(-count // library.constant("norm_block")), width)
        library.call(
            "norm_backward", dout.contiguous(), x, gate, _spacing(gate), weight, inverse, dx,
            dgate, width, dweight, count, width,
        )  # fmt: skip
        return dx, dgate, dweight.sum(0), None


def _spacing(gate: Tensor | None) -> int | None:
    """How many numbers the rows of (..., D) lie apart; None where they differ or aren't dense."""
    if gate is None:
        return 0
    if gate.shape[-1] > 1 and gate.stride(-1) != 1:
        return None
    apart, expected = gate.shape[-1], None
    for extent, stride in zip(gate.shape[-2::-1], gate.stride()[-2::-1], strict=True):
        if extent == 1:
            continue
        if expected is None:
            apart = stride
        elif stride != expected:
            return None
        expected = stride * extent
    return apart
