"""Causal depthwise convolution with a few taps, followed by SiLU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from genomenet.ops import backend
from genomenet.ops.native import library
from genomenet.ops.native.conv import NativeConvSiLU
from genomenet.ops.packing import Packing
from genomenet.ops.precision import no_autocast, scan_dtype

# Positions worked on at once on a CPU: of 64 to 512, 256 is best for 160 to 384 channels.
ROWS = 256


def causal_conv_silu(
    x_BLC: Tensor, weight_CK: Tensor, bias_C: Tensor, packing: Packing | None = None
) -> Tensor:
    """``silu(bias + sum_k weight[:, k] x[t - (K - 1) + k])``, channel by channel.

    The short convolution of Mamba-2 (Dao & Gu 2024, arXiv:2405.21060, figure 6). Positions
    before the first count as zero.

    Parameters
    ----------
    x_BLC : Tensor
        Inputs; rows may be strided (a split of a wider tensor).
    weight_CK : Tensor
        Taps; ``weight[:, K - 1]`` weighs the current position.
    bias_C : Tensor
        Added before the activation.
    packing : Packing, optional
        The rows are one packed row; no sequence sees another.

    Returns
    -------
    Tensor
        (B, L, C), in the dtype of `x_BLC`. Second derivatives are not available on CPU.

    Raises
    ------
    ValueError
        If the shapes disagree.
    """
    channels = x_BLC.shape[-1]
    if x_BLC.ndim != 3 or weight_CK.shape[0] != channels or bias_C.shape != (channels,):
        raise ValueError(
            f"x {tuple(x_BLC.shape)}, weight {tuple(weight_CK.shape)} and bias "
            f"{tuple(bias_C.shape)} need (B, L, C), (C, K) and (C,)"
        )
    # The CUDA kernel knows 2 to 4 taps, and reads channels in vectors of 8.
    fits_kernel = 2 <= weight_CK.shape[1] <= 4 and channels % 8 == 0
    if fits_kernel and backend.uses("conv", x_BLC):
        return backend.cuda_conv_silu(x_BLC, weight_CK, bias_C, packing)
    if packing is not None:
        return packing.padded(lambda x: causal_conv_silu(x, weight_CK, bias_C), x_BLC)
    dtype = scan_dtype(x_BLC)
    inputs = x_BLC.to(dtype), weight_CK.to(dtype), bias_C.to(dtype)
    if 2 <= weight_CK.shape[1] <= 4 and library.serves(*inputs):
        return NativeConvSiLU.apply(*inputs).to(x_BLC.dtype)
    weight, bias = weight_CK.to(x_BLC.dtype), bias_C.to(x_BLC.dtype)
    if _on_cpu(x_BLC):
        return _ConvSiLU.apply(x_BLC, weight, bias)
    taps = weight.shape[1]
    padded = F.pad(x_BLC.transpose(1, 2), (taps - 1, 0))
    with no_autocast(x_BLC):
        return F.silu(F.conv1d(padded, weight.unsqueeze(1), bias, groups=channels)).transpose(1, 2)


def conv_silu_step(past_RTC: Tensor, x_RC: Tensor, weight_CK: Tensor, bias_C: Tensor) -> Tensor:
    """One position of `causal_conv_silu`.

    Parameters
    ----------
    past_RTC : Tensor
        The K - 1 inputs before, oldest first; zeros stand before the first position.
    x_RC : Tensor
        The input of the position.
    weight_CK, bias_C : Tensor
        As in `causal_conv_silu`.

    Returns
    -------
    Tensor
        (R, C), in the dtype of `x_RC`.
    """
    dtype = x_RC.dtype
    window_RKC = torch.cat([past_RTC.to(dtype), x_RC.unsqueeze(1)], 1)
    return F.silu(bias_C.to(dtype) + (window_RKC * weight_CK.to(dtype).t()).sum(1))


def _on_cpu(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu"


def _convolve_(out: Tensor, x: Tensor, weight_KC: Tensor, bias: Tensor, start: int) -> Tensor:
    """Fill `out` with the convolution of the row `x` (L, C) from position `start` on."""
    stop = start + len(out)
    torch.addcmul(bias, x[start:stop], weight_KC[-1], out=out)
    for back in range(1, len(weight_KC)):
        low = max(start, back)
        if low < stop:
            out[low - start :].addcmul_(x[low - back : stop - back], weight_KC[-1 - back])
    return out


class _ConvSiLU(torch.autograd.Function):
    """Shift and add over blocks of positions; saves its inputs only."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        y = torch.empty_like(x, memory_format=torch.contiguous_format)
        weight_KC = weight.t().contiguous()
        for x_row, y_row in zip(x, y, strict=True):
            for start in range(0, x.shape[1], ROWS):
                out = y_row[start : start + ROWS]
                F.silu(_convolve_(out, x_row, weight_KC, bias, start), inplace=True)
        ctx.save_for_backward(x, weight, bias)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, weight, bias = ctx.saved_tensors
        weight_KC = weight.t().contiguous()
        taps, (_, length, channels) = len(weight_KC), x.shape
        rows = min(ROWS, length)
        dx = torch.zeros_like(x, memory_format=torch.contiguous_format)
        # Summed over the positions of a block only at the end: one pass less for every tap.
        dweight = x.new_zeros(taps, rows, channels)
        dbias = x.new_zeros(rows, channels)
        before, grad = x.new_empty(2, rows, channels)
        for x_row, dy_row, dx_row in zip(x, dy, dx, strict=True):
            for start in range(0, length, rows):
                stop = min(start + rows, length)
                u = _convolve_(before[: stop - start], x_row, weight_KC, bias, start)
                du = grad[: stop - start]
                torch.ops.aten.silu_backward.grad_input(dy_row[start:stop], u, grad_input=du)
                dbias[: stop - start] += du
                for back in range(taps):
                    low = max(start, back)
                    if low < stop:
                        part, tap = du[low - start :], taps - 1 - back
                        source = slice(low - back, stop - back)
                        dx_row[source].addcmul_(part, weight_KC[tap])
                        dweight[tap, : stop - low].addcmul_(part, x_row[source])
        return dx, dweight.sum(1).t(), dbias.sum(0)
