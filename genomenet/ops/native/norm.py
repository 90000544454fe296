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
    def forward(  # noqa: D102
        ctx: Any, x: Tensor, gate: Tensor | None, weight: Tensor, eps: float
    ) -> Tensor:
        x, weight = x.contiguous(), weight.contiguous()
        if gate is not None and _spacing(gate) is None:
            gate = gate.contiguous()
        out, inverse = norm_forward(x, gate, weight, eps)
        ctx.save_for_backward(x, gate, weight, inverse)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor | None, ...]:  # noqa: D102
        x, gate, weight, inverse = ctx.saved_tensors
        dx = x.new_empty(x.shape)
        dgate = None if gate is None else x.new_empty(gate.shape)
        dweight = norm_backward(dout.contiguous(), x, gate, weight, inverse, dx, dgate)
        return dx, dgate, dweight, None


def norm_forward(
    x: Tensor, gate: Tensor | None, weight: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Normalise dense rows (..., D), gated by evenly spaced ones; also 1 / rms of every row."""
    width = x.shape[-1]
    count = x.numel() // width if width else 0
    out, inverse = x.new_empty(x.shape), x.new_empty(count)
    library.call("norm_forward", x, gate, _spacing(gate), weight, out, inverse, count, width, eps)
    return out, inverse


def norm_backward(
    dout: Tensor,
    x: Tensor,
    gate: Tensor | None,
    weight: Tensor,
    inverse: Tensor,
    dx: Tensor,
    dgate: Tensor | None,
) -> Tensor:
    """Fill `dx` and, evenly spaced, `dgate`; returns the gradient of the weight."""
    width, count = x.shape[-1], len(inverse)
    dweight = x.new_empty(-(-count // library.constant("norm_block")), width)
    library.call(
        "norm_backward", dout, x, gate, _spacing(gate), weight, inverse, dx,
        dgate, _spacing(dgate), dweight, count, width,
    )  # fmt: skip
    return dweight.sum(0)


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
