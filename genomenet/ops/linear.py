"""Products of float32 with weights on a CPU: oneDNN's where MKL doesn't use all of the processor.

Torch brings both libraries and always takes MKL for float32. On AMD's processors MKL stops at
AVX2, and oneDNN takes half the time where they have AVX-512 (benchmarks/ops.py).
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from genomenet.ops.native.library import SWITCH

ROWS_ALIKE = 64
"""oneDNN makes code for every shape that it meets, which takes it a millisecond: beyond so many
rows only multiples of them, as windows and padded rows of chunks have, go to it."""

FEWEST_ROWS = 8
"""MKL is as fast on fewer."""

LEAST_WIDTH = 64
"""Of the weight on both sides, for the same reason."""


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Do what `torch.nn.functional.linear` does; second derivatives are not available.

    Parameters
    ----------
    x : Tensor
        (..., D).
    weight : Tensor
        (E, D).
    bias : Tensor, optional
        (E,).

    Returns
    -------
    Tensor
        (..., E).
    """
    if _goes_to_onednn(x, weight):
        return _OneDNNLinear.apply(x, weight, bias)
    return F.linear(x, weight, bias)


@cache
def mkl_is_slow() -> bool:
    """Whether float32 products are MKL's on a processor that it doesn't know to use."""
    if os.environ.get(SWITCH) == "0" or not torch.backends.mkl.is_available():
        return False
    if not torch.backends.mkldnn.is_available():
        return False
    info = Path("/proc/cpuinfo")
    amd = info.exists() and "AuthenticAMD" in info.read_text(encoding="utf-8", errors="replace")
    return amd and torch.backends.cpu.get_cpu_capability() == "AVX512"


def _goes_to_onednn(x: Tensor, weight: Tensor) -> bool:
    if torch.compiler.is_compiling() or not mkl_is_slow():
        return False
    if not x.dtype == weight.dtype == torch.float32:
        return False
    if x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return False
    rows = x.numel() // max(1, x.shape[-1])
    return (
        (rows % ROWS_ALIKE == 0 or rows < ROWS_ALIKE)
        and rows >= FEWEST_ROWS
        and min(weight.shape) >= LEAST_WIDTH
        and torch.get_float32_matmul_precision() == "highest"
    )


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multiply x (..., D) with weight (E, D) of any strides; x is copied unless it is dense."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


class _OneDNNLinear(torch.autograd.Function):
    """Saves its inputs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        dx = dweight = dbias = None
        if ctx.needs_input_grad[0]:
            dx = _product(dy, weight.t())
        if ctx.needs_input_grad[1]:
            x_ND, dy_NE = x.flatten(0, -2), dy.flatten(0, -2)
            # The first factor is copied: the smaller one.
            if dy_NE.shape[1] <= x_ND.shape[1]:
                dweight = _product(dy_NE.t(), x_ND.t())
            else:
                dweight = _product(x_ND.t(), dy_NE.t()).t()
        if ctx.needs_input_grad[2]:
            dbias = dy.flatten(0, -2).sum(0)
        return dx, dweight, dbias
