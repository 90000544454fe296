"""The SSD scan over groups of blocks small enough for the cache, forward and backward."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from genomenet.ops.precision import no_autocast
from genomenet.ops.scratch import Scratch
from genomenet.ops.ssd_groups import MIN_LOG_DECAY, decays, groups

# Numbers of x worked on at once. Measured on a CPU with 2 MB of second-level cache per core:
# 2^18 (1 MB in float32) is best or within 5 % of it for widths 128 and 256.
CPU_GROUP = 2**18
GPU_GROUP = 2**26


class SSDScan(torch.autograd.Function):
    """``SSDScan.apply(x, dt, A, B, C, D, block, matmul_dtype)``; see `genomenet.ops.ssd_scan`.

    Saved for backward: the inputs and the state before every block. In the names of sizes r is
    rows, g blocks of a group, l positions of a block, h heads, p head width, n state size.
    Heads are part of the columns of every product with a state, so `B` and `C` are never
    expanded over heads; only the products inside a block have one matrix per head.
    """

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any,
        x: Tensor,
        dt: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor,
        block: int,
        mm: torch.dtype,
    ) -> Tensor:
        ctx.block, ctx.mm = min(block, x.shape[1]), mm
        numbers = CPU_GROUP if x.device.type == "cpu" else GPU_GROUP
        ctx.group = max(1, numbers // (x.shape[2] * x.shape[3]))
        with no_autocast(x):
            y, states = _forward((x, dt, A, B, C, D), ctx.block, mm, ctx.group)
        ctx.save_for_backward(x, dt, A, B, C, D, states)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:  # noqa: D102
        with no_autocast(dy):
            gradients = _backward(dy, ctx.saved_tensors, ctx.block, ctx.mm, ctx.group)
        return *gradients, None, None


def _products(C_kln: Tensor, B_kln: Tensor) -> Tensor:
    """``C_i . B_j`` for j <= i, otherwise 0, as (k, l, l)."""
    return torch.bmm(C_kln, B_kln.transpose(1, 2)).tril_()


def _forward(
    inputs: tuple[Tensor, ...],
    block: int,
    mm: torch.dtype,
    group: int,
    initial: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Outputs and the state before every block; `initial` (batch, n, h, p) before the first."""
    x, dt, A, B, C, D = inputs
    batch, length, h, p = x.shape
    n = B.shape[-1]
    last = -(-length // block) - 1
    scratch = Scratch(x.device)
    y = torch.empty_like(x, memory_format=torch.contiguous_format)
    states = x.new_empty(batch, last + 1, n, h, p)  # before every block
    states[:, 0] = 0 if initial is None else initial
    for rows, positions, first, g in groups(batch, length, block, group):
        x_g, dt_g, y_g = (t[rows, positions].unflatten(1, (g, -1)) for t in (x, dt, y))
        r, _, m = x_g.shape[:3]
        k = r * g
        B_g, C_g = (t[rows, positions].reshape(k, m, n).to(mm) for t in (B, C))
        start, end, pairs = decays(dt_g, A, scratch)

        into = scratch("x1", mm, r, g, m, h, p)
        torch.mul(x_g, (end * dt_g).unsqueeze(-1), out=into)
        new = scratch("s1", mm, r, g, n, h, p)
        torch.bmm(B_g.transpose(1, 2), into.view(k, m, h * p), out=new.view(k, n, h * p))
        kept = start[:, :, -1].view(r, g, 1, h, 1)
        for j in range(min(g, last - first)):
            before, after = states[rows, first + j], states[rows, first + j + 1]
            torch.addcmul(new[:, j], before, kept[:, j], out=after)

        weights = scratch.cast("pairs", mm, pairs.mul_(_products(C_g, B_g).view(r, g, 1, m, m)))
        x_dt = scratch("x1", mm, r, g, h, m, p)
        torch.mul(x_g.transpose(2, 3), dt_g.transpose(2, 3).unsqueeze(-1), out=x_dt)
        inside = scratch("x2", mm, r, g, h, m, p)
        torch.bmm(weights.view(k * h, m, m), x_dt.view(k * h, m, p), out=inside.view(k * h, m, p))
        state_g = scratch.cast("s1", mm, states[rows, first : first + g]).reshape(k, n, h * p)
        carried = scratch("x1", mm, r, g, m, h, p)
        torch.bmm(C_g, state_g, out=carried.view(k, m, h * p))
        torch.addcmul(inside.transpose(2, 3), carried, start.unsqueeze(-1), out=y_g)
        y_g.addcmul_(x_g, D.view(h, 1))
    return y, states


def _backward(
    dy: Tensor, saved: tuple[Tensor, ...], block: int, mm: torch.dtype, group: int
) -> tuple[Tensor, ...]:
    x, dt, A, B, C, D, states = saved
    batch, length, h, p = x.shape
    n, f = B.shape[-1], x.dtype
    last = states.shape[1] - 1
    scratch = Scratch(x.device)
    dx, ddt, dB, dC = (
        torch.empty_like(t, memory_format=torch.contiguous_format) for t in (x, dt, B, C)
    )
    dA, dD = torch.zeros_like(A), torch.zeros_like(D)
    dcarry = x  # of the state after this group's last block; set before it is read
    for rows, positions, first, g in reversed(list(groups(batch, length, block, group))):
        x_g, dt_g, dy_g, dx_g = (t[rows, positions].unflatten(1, (g, -1)) for t in (x, dt, dy, dx))
        r, _, m = x_g.shape[:3]
        k = r * g
        B_g, C_g = (t[rows, positions].reshape(k, m, n).to(mm) for t in (B, C))
        states_g = states[rows, first : first + g]
        state_g = scratch.cast("s3", mm, states_g).reshape(k, n, h * p)
        start, end, pairs = decays(dt_g, A, scratch)
        kept = start[:, :, -1]

        # Through the state before each block: outputs read it.
        dy_start = scratch("x1", mm, r, g, m, h, p)
        torch.mul(dy_g, start.unsqueeze(-1), out=dy_start)
        dC_g = torch.bmm(dy_start.view(k, m, h * p), state_g.transpose(1, 2))
        dread = scratch("s1", mm, r, g, n, h, p)
        torch.bmm(C_g.transpose(1, 2), dy_start.view(k, m, h * p), out=dread.view(k, n, h * p))
        carried = scratch("x2", mm, r, g, m, h, p)
        torch.bmm(C_g, state_g, out=carried.view(k, m, h * p))
        read = torch.mul(carried, dy_g, out=scratch("x2", f, r, g, m, h, p)).sum(-1).mul_(start)

        # The gradient of the state after each block, last block first.
        dstate = scratch("s2", f, r, g, n, h, p)
        dstate[:, -1] = 0 if first + g > last else dcarry
        kept_k = kept.view(r, g, 1, h, 1)
        for j in range(g - 1, 0, -1):
            torch.addcmul(dread[:, j], dstate[:, j], kept_k[:, j], out=dstate[:, j - 1])
        dcarry = torch.addcmul(dread[:, 0], dstate[:, 0], kept_k[:, 0])
        passed = torch.mul(dstate, states_g, out=scratch("s1", f, r, g, n, h, p))
        passed = passed.sum((2, 4)).mul_(kept)

        # Through the state after each block: inputs went into it.
        dstate_g = scratch.cast("s2", mm, dstate).view(k, n, h * p)
        dt_end = end * dt_g
        into = scratch("x1", mm, r, g, m, h, p)
        torch.mul(x_g, dt_end.unsqueeze(-1), out=into)
        dB_g = torch.bmm(into.view(k, m, h * p), dstate_g.transpose(1, 2))
        dinto = scratch("x3", mm, r, g, m, h, p)
        torch.bmm(B_g, dstate_g, out=dinto.view(k, m, h * p))
        wrote = torch.mul(dinto, x_g, out=scratch("x2", f, r, g, m, h, p)).sum(-1).mul_(dt_end)

        # Inside each block.
        x_dt = scratch("x1", mm, r, g, h, m, p)
        torch.mul(x_g.transpose(2, 3), dt_g.transpose(2, 3).unsqueeze(-1), out=x_dt)
        dy_h = scratch("x2", mm, r, g, h, m, p).copy_(dy_g.transpose(2, 3)).view(k * h, m, p)
        dweights = scratch("dpairs", mm, r, g, h, m, m)
        torch.bmm(dy_h, x_dt.view(k * h, m, p).transpose(1, 2), out=dweights.view(k * h, m, m))
        dpairs = torch.mul(dweights, pairs, out=scratch("dpairs", f, r, g, h, m, m))
        products = _products(C_g, B_g).to(f)
        weights = scratch.cast("pairs", mm, pairs.mul_(products.view(r, g, 1, m, m)))
        dx_h = scratch("x1", mm, r, g, h, m, p)
        torch.bmm(weights.view(k * h, m, m).transpose(1, 2), dy_h, out=dx_h.view(k * h, m, p))
        dproducts = dpairs.sum(2).tril_().to(mm).view(k, m, m)
        dB_g.baddbmm_(dproducts.transpose(1, 2), C_g)
        dC_g.baddbmm_(dproducts, B_g)
        # A position's own input passes through no decay; its weight would swamp the others.
        flow = dpairs.mul_(products.tril_(-1).view(r, g, 1, m, m))
        flow_out = flow.sum(-1).sub_(flow.sum(-2)).transpose(2, 3).add(read)

        dx_dt = scratch("x3", f, r, g, m, h, p)
        torch.addcmul(dx_h.transpose(2, 3), dinto, end.unsqueeze(-1), out=dx_dt)
        torch.mul(dx_dt, dt_g.unsqueeze(-1), out=dx_g).addcmul_(dy_g, D.view(h, 1))
        dB[rows, positions] = dB_g.view(r, g * m, n)
        dC[rows, positions] = dC_g.view(r, g * m, n)
        # Everything that passes the decay of a step: outputs from it on, states on their way
        # through the block, inputs before it on their way to the end. Sums, nothing cancels.
        dlog = flow_out.flip(2).cumsum(2).flip(2).add_(passed.unsqueeze(2))
        dlog[:, :, 1:] += wrote.cumsum(2)[:, :, :-1]
        # A step at the bound lets nothing pass; rounding must not be multiplied by a huge dt.
        dlog.masked_fill_(dt_g * A <= MIN_LOG_DECAY[f], 0)
        ddt_g = torch.mul(dx_dt, x_g, out=dx_dt).sum(-1).addcmul_(dlog, A)
        ddt[rows, positions] = ddt_g.view(r, g * m, h)
        dA += dlog.mul_(dt_g).sum((0, 1, 2))
        dD += torch.mul(dy_g, x_g, out=dx_dt).sum(-1).sum((0, 1, 2))
    return dx, ddt, dA, dB, dC, dD
