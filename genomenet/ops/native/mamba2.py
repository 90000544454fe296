"""All of a Mamba-2 mixer between its two projections, by the compiled library in one step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from genomenet.ops.native.conv import conv_backward, conv_forward
from genomenet.ops.native.norm import norm_backward, norm_forward
from genomenet.ops.native.ssd import ssd_backward, ssd_forward


class NativeMamba2(torch.autograd.Function):
    """``NativeMamba2.apply(projected, weight, bias, dt_bias, A, D, norm_weight, sizes, eps)``.

    Convolution, scan and gated norm of `genomenet.nn.mamba2.Mamba2`, in the layout of its first
    projection: gate, what is convolved, raw step sizes. Their gradients are written where they
    belong in one tensor of that layout, which saves putting them together.

    Saved for backward: the projection, what came out of the convolution and the scan, and the
    states.
    """

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any,
        projected: Tensor,
        weight: Tensor,
        bias: Tensor,
        dt_bias: Tensor,
        A: Tensor,
        D: Tensor,
        norm_weight: Tensor,
        sizes: tuple[int, int, int],
        eps: float,
    ) -> Tensor:
        projected = projected.contiguous()
        ctx.sizes = sizes
        gate, raw, dt_raw = _parts(projected, sizes)
        weight_KC = weight.t().contiguous()
        mixed = conv_forward(raw, weight_KC, bias)
        dt = F.softplus(dt_raw + dt_bias)
        x, B, C = _scanned(mixed, sizes)
        y, states = ssd_forward(x, dt, A, B, C, D)
        out, inverse = norm_forward(y.flatten(2), gate, norm_weight, eps)
        ctx.save_for_backward(
            projected, weight_KC, bias, dt_bias, A, D, norm_weight, mixed, dt, y, states, inverse
        )
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor | None, ...]:  # noqa: D102
        saved = ctx.saved_tensors
        projected, weight_KC, bias, dt_bias, A, D, norm_weight = saved[:7]
        mixed, dt, y, states, inverse = saved[7:]
        gate, raw, dt_raw = _parts(projected, ctx.sizes)
        dprojected = torch.empty_like(projected)
        dgate, draw, ddt_raw = _parts(dprojected, ctx.sizes)
        dy, dmixed = torch.empty_like(y), torch.empty_like(mixed)
        dnorm = norm_backward(
            dout.contiguous(), y.flatten(2), gate, norm_weight, inverse, dy, dgate
        )
        x, B, C = _scanned(mixed, ctx.sizes)
        ddt, dA, dD = ssd_backward(dy, x, dt, A, B, C, D, states, *_scanned(dmixed, ctx.sizes))
        dweight, dbias = conv_backward(dmixed, raw, weight_KC, bias, draw)
        torch.mul(ddt, torch.sigmoid(dt_raw + dt_bias), out=ddt)
        ddt_raw.copy_(ddt)
        return (
            dprojected, dweight, dbias, ddt.sum((0, 1)), dA, dD, dnorm, None, None,
        )  # fmt: skip


def _parts(projected: Tensor, sizes: tuple[int, int, int]) -> tuple[Tensor, ...]:
    """Views of the gate, of what is convolved, and of the raw step sizes."""
    d_inner, d_state, head_dim = sizes
    widths = [d_inner, d_inner + 2 * d_state, d_inner // head_dim]
    return projected.split(widths, dim=-1)


def _scanned(mixed: Tensor, sizes: tuple[int, int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Views of x in heads, of B and of C."""
    d_inner, d_state, head_dim = sizes
    x, B, C = mixed.split([d_inner, d_state, d_state], dim=-1)
    return x.unflatten(-1, (-1, head_dim)), B, C
