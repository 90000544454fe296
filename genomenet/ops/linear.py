"""Products of float32 with weights on a CPU: oneDNN's where MKL doesn't use all of the processor.

Torch brings both libraries and always takes MKL for float32. On AMD's processors MKL stops at
AVX2. Where they have AVX-512, oneDNN takes half the time on Zen 5, and nine tenths on Zen 4, which
computes such vectors in halves (benchmarks/ops.py, benchmarks/results/zen5/ops.md).
"""

from __future__ import annotations

import math
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
rows it is given a multiple of them, and the rest apart."""

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


def padded_length(rows: int, length: int) -> int:
    """The least length from the given one on at which oneDNN takes all positions in one piece.

    Parameters
    ----------
    rows : int
        Sequences that are read together.
    length : int
        Positions of the longest; the answer where products are not oneDNN's.
    """
    step = ROWS_ALIKE // math.gcd(ROWS_ALIKE, rows) if mkl_is_slow() else 1
    return -(-length // step) * step


def _goes_to_onednn(x: Tensor, weight: Tensor) -> bool:
    if torch.compiler.is_compiling() or not mkl_is_slow():
        return False
    if not x.dtype == weight.dtype == torch.float32:
        return False
    if x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return False
    return (
        x.numel() >= FEWEST_ROWS * x.shape[-1]
        and min(weight.shape) >= LEAST_WIDTH
        and torch.get_float32_matmul_precision() == "highest"
    )


def _product(x_ND: Tensor, weight_ED: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multiply with a weight of any strides; x is copied unless it is dense."""
    rows, more = len(x_ND), len(x_ND) % ROWS_ALIKE
    if rows < FEWEST_ROWS:
        return F.linear(x_ND, weight_ED, bias)
    if rows < ROWS_ALIKE or not more:
        return torch.ops.mkldnn._linear_pointwise(x_ND, weight_ED, bias, "none", [], "")
    parts = x_ND.split([rows - more, more])
    return torch.cat([_product(part, weight_ED, bias) for part in parts])


def _sum_of_products(y_NE: Tensor, x_ND: Tensor) -> Tensor:
    """Sum of the outer products of rows, (E, D)."""
    rows, more = len(x_ND), len(x_ND) % ROWS_ALIKE
    if rows < ROWS_ALIKE:
        return y_NE.t() @ x_ND
    if more:
        whole = rows - more
        return _sum_of_products(y_NE[:whole], x_ND[:whole]).addmm_(y_NE[whole:].t(), x_ND[whole:])
    # oneDNN copies the first factor: the smaller one.
    turned = x_ND.shape[1] < y_NE.shape[1]
    one, other = (x_ND, y_NE) if turned else (y_NE, x_ND)
    product = torch.ops.mkldnn._linear_pointwise(one.t(), other.t(), None, "none", [], "")
    return product.t() if turned else product


class _OneDNNLinear(torch.autograd.Function):
    """Saves its inputs, rows that don't lie in order as a copy, as torch does."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        x_ND = x.flatten(0, -2)
        ctx.save_for_backward(x_ND, weight)
        return _product(x_ND, weight, bias).unflatten(0, x.shape[:-1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x_ND, weight = ctx.saved_tensors
        dy_NE = dy.flatten(0, -2)
        dx = dweight = dbias = None
        if ctx.needs_input_grad[0]:
            dx = _product(dy_NE, weight.t()).unflatten(0, dy.shape[:-1])
        if ctx.needs_input_grad[1]:
            dweight = _sum_of_products(dy_NE, x_ND)
        if ctx.needs_input_grad[2]:
            dbias = dy_NE.sum(0)
        return dx, dweight, dbias
