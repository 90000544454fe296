"""SwiGLU's product by the compiled library."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from genomenet.ops.native import library


class NativeSwiGLU(torch.autograd.Function):
    """``NativeSwiGLU.apply(up_gate)`` in float32 or bfloat16; saves its input only.

    Both gradients are written where they belong in one tensor.
    """

    @staticmethod
    def forward(ctx: Any, up_gate: Tensor) -> Tensor:  # noqa: D102
        up_gate = up_gate.contiguous()
        width = up_gate.shape[-1] // 2
        out = up_gate.new_empty(*up_gate.shape[:-1], width)
        library.call(
            "swiglu_forward", up_gate, out, out.numel() // width, width, library.is_half(out)
        )
        ctx.save_for_backward(up_gate)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> Tensor:  # noqa: D102
        (up_gate,) = ctx.saved_tensors
        width = up_gate.shape[-1] // 2
        dup_gate = up_gate.new_empty(up_gate.shape)
        library.call(
            "swiglu_backward", dout.contiguous(), up_gate, dup_gate, dout.numel() // width, width,
            library.is_half(dout),
        )  # fmt: skip
        return dup_gate
