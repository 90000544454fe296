"""Exponential moving average with a different weight at every position, exact at 0 and 1."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from genomenet.ops.precision import no_autocast, scan_dtype

# Fixed, so that padding a sequence never changes the rounding of its valid positions.
BLOCK = 8


def ema_scan(z_BSD: Tensor, p_BS: Tensor) -> Tensor:
    """Smooth chunk vectors: ``y_s = p_s z_s + (1 - p_s) y_{s-1}`` with ``y_{-1} = 0``.

    H-Net's dechunking (Hwang et al. 2025, arXiv:2507.07955, equation 5). Products of ``1 - p``
    are formed directly, never through logarithms, so ``p = 0`` and ``p = 1`` are exact.

    Parameters
    ----------
    z_BSD : Tensor
        Chunk vectors.
    p_BS : Tensor
        Weights in [0, 1].

    Returns
    -------
    Tensor
        (B, S, D) in float32, or float64 if an input is float64, under any autocast. Second
        derivatives are not available.

    Raises
    ------
    ValueError
        If the shapes disagree.
    """
    if z_BSD.ndim != 3 or p_BS.shape != z_BSD.shape[:2]:
        raise ValueError(f"z {tuple(z_BSD.shape)} and p {tuple(p_BS.shape)} need (B, S, D), (B, S)")
    dtype = scan_dtype(z_BSD, p_BS)
    return _EMA.apply(z_BSD.to(dtype), p_BS.to(dtype))


def ema_step(y_RD: Tensor, z_RD: Tensor, p_R: Tensor) -> Tensor:
    """One step of `ema_scan`: ``p z + (1 - p) y``, with the smoothed vector `y` of before.

    Parameters
    ----------
    y_RD : Tensor
        Smoothed vectors before the step, float32 or float64; zeros before the first.
    z_RD : Tensor
        Chunk vectors.
    p_R : Tensor
        Weights in [0, 1].

    Returns
    -------
    Tensor
        (R, D), in the dtype of `y_RD`.
    """
    p_R1 = p_R.to(y_RD.dtype).unsqueeze(-1)
    return p_R1 * z_RD.to(y_RD.dtype) + (1 - p_R1) * y_RD


def _recurrence_(x_BSD: Tensor, keep_BS: Tensor) -> Tensor:
    """``x_s += keep_s x_{s-1}`` in place, in order; `x_BSD` must be contiguous.

    Steps run over the position inside a block, for all blocks at once; then the same recurrence
    over the last position of every block gives what each block must add.
    """
    batch, length, width = x_BSD.shape
    if length <= BLOCK:
        for s in range(1, length):
            x_BSD[:, s].addcmul_(x_BSD[:, s - 1], keep_BS[:, s, None])
        return x_BSD
    pad = -length % BLOCK
    if pad:
        padded = F.pad(x_BSD, (0, 0, 0, pad))
        return _recurrence_(padded, F.pad(keep_BS, (0, pad)))[:, :length]
    x = x_BSD.view(batch, -1, BLOCK, width)
    keep = keep_BS.reshape(batch, -1, BLOCK)
    for s in range(1, BLOCK):
        x[:, :, s].addcmul_(x[:, :, s - 1], keep[:, :, s, None])
    through = keep.cumprod(2)
    last = _recurrence_(x[:, :, -1].contiguous(), through[:, :, -1])
    x[:, 1:].addcmul_(last[:, :-1, None], through[:, 1:, :, None])
    return x_BSD


class _EMA(torch.autograd.Function):
    """Forward recurrence, and the same recurrence in reverse for the gradient."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, p: Tensor) -> Tensor:
        with no_autocast(z):
            y = torch.empty_like(z, memory_format=torch.contiguous_format)
            torch.mul(z, p.unsqueeze(-1), out=y)
            y = _recurrence_(y, 1 - p)
            ctx.save_for_backward(z, p, y)
            return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor]:
        z, p, y = ctx.saved_tensors
        with no_autocast(z):
            # g_s = dy_s + (1 - p_{s+1}) g_{s+1}, dz = p g, dp_s = g_s . (z_s - y_{s-1})
            keep = F.pad(1 - p.flip(1)[:, :-1], (1, 0))
            g = _recurrence_(dy.flip(1), keep).flip(1)
            dp = (g * z).sum(-1)
            dp[:, 1:] -= (g[:, 1:] * y[:, :-1]).sum(-1)
            return g.mul_(p.unsqueeze(-1)), dp
