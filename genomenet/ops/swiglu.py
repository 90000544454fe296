"""SwiGLU's product of both halves of a projection."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from genomenet.ops import native


def swiglu(up_gate: Tensor) -> Tensor:
    """``silu(gate) * up``, where `up` is the first half of the last dimension.

    Shazeer 2020, arXiv:2002.05202, equation 5, between its linear layers.

    Parameters
    ----------
    up_gate : Tensor
        (..., 2 W).

    Returns
    -------
    Tensor
        (..., W).
    """
    if native.serves(up_gate):
        return _NativeSwiGLU.apply(up_gate)
    up, gate = up_gate.chunk(2, dim=-1)
    return F.silu(gate) * up


class _NativeSwiGLU(torch.autograd.Function):
    """By the compiled library; saves its input only, and writes both gradients in one piece."""

    @staticmethod
    def forward(ctx: Any, up_gate: Tensor) -> Tensor:
        up_gate = up_gate.contiguous()
        width = up_gate.shape[-1] // 2
        out = torch.empty(*up_gate.shape[:-1], width)
        native.call("swiglu_forward", up_gate, out, out.numel() // width, width)
        ctx.save_for_backward(up_gate)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> Tensor:
        (up_gate,) = ctx.saved_tensors
        width = up_gate.shape[-1] // 2
        dup_gate = torch.empty(up_gate.shape)
        native.call(
            "swiglu_backward", dout.contiguous(), up_gate, dup_gate, dout.numel() // width, width
        )
        return dup_gate
