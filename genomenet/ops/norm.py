"""RMSNorm and Mamba-2's gated RMSNorm, with float32 statistics and little saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from genomenet.ops import backend
from genomenet.ops.native import library
from genomenet.ops.native.norm import NativeNorm
from genomenet.ops.precision import no_autocast, scan_dtype

# Numbers worked on at once: every temporary of a block of rows stays in the cache.
NUMBERS = 2**17


def rms_norm(x: Tensor, weight: Tensor, eps: float = 1e-5) -> Tensor:
    """``x / sqrt(mean(x^2) + eps) * weight`` over the last dimension.

    Zhang & Sennrich 2019, arXiv:1910.07467, equation 4.

    Parameters
    ----------
    x : Tensor
        (..., D).
    weight : Tensor
        (D,).
    eps : float, default 1e-5
        Added to the mean square.

    Returns
    -------
    Tensor
        Shape and dtype of `x`. Statistics are float32 (float64 for float64 inputs) under any
        autocast. Second derivatives are not available.

    Raises
    ------
    ValueError
        If `weight` does not fit the last dimension.
    """
    _check(x, weight)
    if backend.uses("norm", x):
        return backend.cuda_rms_norm(x, weight, eps)
    dtype = scan_dtype(x, weight)
    inputs = x.to(dtype), weight.to(dtype)
    if library.serves(*inputs):
        return NativeNorm.apply(inputs[0], None, inputs[1], eps).to(x.dtype)
    return _RMSNorm.apply(*inputs, eps).to(x.dtype)


def gated_rms_norm(y: Tensor, z: Tensor, weight: Tensor, eps: float = 1e-5) -> Tensor:
    """``RMSNorm(y * silu(z)) * weight`` over the last dimension: the gate comes before the norm.

    Mamba-2's output norm (Dao & Gu 2024, arXiv:2405.21060; ``norm_before_gate=False``).

    Parameters
    ----------
    y, z : Tensor
        (..., D): values and gates.
    weight : Tensor
        (D,).
    eps : float, default 1e-5
        Added to the mean square.

    Returns
    -------
    Tensor
        Shape and dtype of `y`. Statistics as in `rms_norm`.

    Raises
    ------
    ValueError
        If the shapes disagree.
    """
    _check(y, weight)
    if y.shape != z.shape:
        raise ValueError(f"y and z need one shape: {tuple(y.shape)}, {tuple(z.shape)}")
    if backend.uses("norm", y):
        return backend.cuda_rms_norm(y, weight, eps, z)
    dtype = scan_dtype(y, z, weight)
    inputs = y.to(dtype), z.to(dtype), weight.to(dtype)
    if library.serves(*inputs):
        return NativeNorm.apply(*inputs, eps).to(y.dtype)
    return _GatedRMSNorm.apply(*inputs, eps).to(y.dtype)


def _check(x: Tensor, weight: Tensor) -> None:
    if weight.shape != x.shape[-1:]:
        raise ValueError(f"weight {tuple(weight.shape)} does not fit x {tuple(x.shape)}")


def _row_blocks(x: Tensor) -> Iterator[slice]:
    """Slices of rows that stay in a CPU's cache; everything at once elsewhere."""
    rows, width = x.shape
    step = max(1, NUMBERS // width) if x.device.type == "cpu" else max(1, rows)
    for start in range(0, rows, step):
        yield slice(start, start + step)


def _normalise_(out: Tensor, x: Tensor, weight: Tensor, inverse: Tensor, eps: float) -> None:
    """Fill `out` (may be `x`) with the normalised rows, `inverse` (rows, 1) with 1 / rms."""
    torch.linalg.vector_norm(x, dim=-1, keepdim=True, out=inverse)
    inverse.square_().div_(x.shape[-1]).add_(eps).rsqrt_()
    torch.mul(x, inverse, out=out).mul_(weight)


def _backward(
    dx: Tensor, dy: Tensor, x: Tensor, weight: Tensor, inverse: Tensor
) -> tuple[Tensor, Tensor]:
    """Fill `dx`: gradients of ``x * inverse * weight`` with respect to `x` and `weight`.

    The fused kernel of LayerNorm, told that the mean is 0, differs by one term: it subtracts
    the mean of ``dy * weight`` from every row, which is added back.
    """
    width = x.shape[-1]
    dhalf, dweight, _ = torch.ops.aten.native_layer_norm_backward(
        dy, x, [width], torch.zeros_like(inverse), inverse, weight, None, [True, True, False]
    )
    mean = torch.mv(dy, weight).div_(width).unsqueeze(-1)
    return torch.addcmul(dhalf, mean, inverse, out=dx), dweight


class _RMSNorm(torch.autograd.Function):
    """Saves `x` and one number per row."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        out = torch.empty_like(x, memory_format=torch.contiguous_format)
        width = x.shape[-1]
        rows, out_rows = x.reshape(-1, width), out.view(-1, width)
        inverse = x.new_empty(len(rows), 1)
        with no_autocast(x):
            for some in _row_blocks(rows):
                _normalise_(out_rows[some], rows[some], weight, inverse[some], eps)
        ctx.save_for_backward(x, weight, inverse)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight, inverse = ctx.saved_tensors
        dx = torch.empty_like(x, memory_format=torch.contiguous_format)
        dweight = torch.zeros_like(weight)
        dx_rows, dy_rows, x_rows = (t.reshape(-1, t.shape[-1]) for t in (dx, dy, x))
        with no_autocast(x):
            for some in _row_blocks(x_rows):
                dweight += _backward(
                    dx_rows[some], dy_rows[some], x_rows[some], weight, inverse[some]
                )[1]
        return dx, dweight, None


class _GatedRMSNorm(torch.autograd.Function):
    """Saves `y`, `z` and one number per row."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, z: Tensor, weight: Tensor, eps: float) -> Tensor:
        out = torch.empty_like(y, memory_format=torch.contiguous_format)
        width = y.shape[-1]
        y_rows, z_rows, out_rows = (t.reshape(-1, width) for t in (y, z, out))
        inverse = y.new_empty(len(y_rows), 1)
        with no_autocast(y):
            for some in _row_blocks(y_rows):
                gated = torch.ops.aten.silu.out(z_rows[some], out=out_rows[some])
                gated.mul_(y_rows[some])
                _normalise_(gated, gated, weight, inverse[some], eps)
        ctx.save_for_backward(y, z, weight, inverse)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        y, z, weight, inverse = ctx.saved_tensors
        dy, dz = (torch.empty_like(t, memory_format=torch.contiguous_format) for t in (y, z))
        dweight = torch.zeros_like(weight)
        tensors = (y, z, dout, dy, dz)
        y_rows, z_rows, dout_rows, dy_rows, dz_rows = (t.reshape(-1, t.shape[-1]) for t in tensors)
        with no_autocast(y):
            for some in _row_blocks(y_rows):
                y_some, z_some = y_rows[some], z_rows[some]
                gate = F.silu(z_some)
                gated = y_some * gate
                dgated, part = _backward(gated, dout_rows[some], gated, weight, inverse[some])
                dweight += part
                torch.mul(dgated, gate, out=dy_rows[some])
                silu_backward = torch.ops.aten.silu_backward.grad_input
                silu_backward(dgated.mul_(y_some), z_some, grad_input=dz_rows[some])
        return dy, dz, dweight, None
