"""RMSNorm and the gated RMSNorm by the compiled library."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from genomenet.ops import native


class NativeNorm(torch.autograd.Function):
    """``NativeNorm.apply(x, gate, weight, eps)``; without a gate it is RMSNorm.

    Saves its inputs and one number a row.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, gate: Tensor | None, weight: Tensor, eps: float) -> Tensor:
        x, weight = x.contiguous(), weight.contiguous()
        width = x.shape[-1]
        count = x.numel() // width if width else 0
        gate = None if gate is None else _evenly_spaced(gate)
        out, inverse = torch.empty(x.shape), torch.empty(count)
        native.call(
            "norm_forward", x, gate, _spacing(gate), weight, out, inverse, count, width, eps
        )
        ctx.save_for_backward(x, gate, weight, inverse)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor | None, ...]:
        x, gate, weight, inverse = ctx.saved_tensors
        width, count = x.shape[-1], len(inverse)
        dx = torch.empty(x.shape)
        dgate = None if gate is None else torch.empty(gate.shape)
        dweight = torch.empty(-(-count // native.constant("norm_block")), width)
        native.call(
            "norm_backward", dout.contiguous(), x, gate, _spacing(gate), weight, inverse, dx,
            dgate, width, dweight, count, width,
        )  # fmt: skip
        return dx, dgate, dweight.sum(0), None


def _evenly_spaced(gate: Tensor) -> Tensor:
    """The tensor itself when its rows (..., D) lie dense inside and equally far apart."""
    apart = gate.stride(-2) if gate.ndim > 1 else gate.shape[-1]
    for extent, stride in zip(gate.shape[-2::-1], gate.stride()[-2::-1], strict=True):
        if extent > 1 and stride != apart:
            return gate.contiguous()
        apart = apart * extent
    return gate if gate.shape[-1] < 2 or gate.stride(-1) == 1 else gate.contiguous()


def _spacing(gate: Tensor | None) -> int:
    return 0 if gate is None else (gate.stride(-2) if gate.ndim > 1 else gate.shape[-1])
