"""The SSD scan by the compiled library, forward and backward."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from genomenet.ops.native import library

BLOCK = 64


class NativeSSDScan(torch.autograd.Function):
    """``NativeSSDScan.apply(x, dt, A, B, C, D, block)``; see `genomenet.ops.ssd_scan`.

    Saved for backward: the inputs and the state before every block.
    """

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any, x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, block: int
    ) -> Tensor:
        x, B, C = (library.rows_dense(t) for t in (x, B, C))
        dt, A, D = dt.contiguous(), A.contiguous(), D.contiguous()
        ctx.block = block
        y, states = ssd_forward(x, dt, A, B, C, D, block)
        ctx.save_for_backward(x, dt, A, B, C, D, states)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:  # noqa: D102
        x, dt, A, B, C, D, states = ctx.saved_tensors
        dx, dB, dC = (t.new_empty(t.shape) for t in (x, B, C))
        ddt, dA, dD = ssd_backward(
            dy.contiguous(), x, dt, A, B, C, D, states, dx, dB, dC, ctx.block
        )
        return dx, ddt, dA, dB, dC, dD, None


def ssd_forward(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    block: int = BLOCK,
    initial: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Scan.

    Parameters
    ----------
    x, dt, A, B, C, D : Tensor
        As in `genomenet.ops.ssd_scan`, float32 on the CPU; positions of x, B and C lie dense,
        and dt altogether.
    block : int
        Positions per block.
    initial : Tensor, optional
        State before the first position, (B, H, P, N); zeros when left out.

    Returns
    -------
    tuple of Tensor
        (B, L, H, P), and the state before every block and after the last one, (B, blocks + 1, H,
        N, P), with N and P rounded up as the library needs it.
    """
    batch, length, heads, width = x.shape
    n, block = B.shape[-1], min(block, length)
    y = x.new_empty(x.shape)
    states = x.new_empty(batch, -(-length // block) + 1, heads, _padded(n), _padded(width))
    if initial is not None:
        before = states.new_zeros(batch, *states.shape[2:])
        before[..., :n, :width] = initial.transpose(2, 3)
        initial = before
    library.call(
        "ssd_forward",
        *library.rows(x), dt, A, *library.rows(B), *library.rows(C), D, initial, y, states,
        batch, length, heads, width, n, block,
    )  # fmt: skip
    return y, states


def ssd_backward(
    dy: Tensor,
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    states: Tensor,
    dx: Tensor,
    dB: Tensor,
    dC: Tensor,
    block: int = BLOCK,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of `ssd_forward`.

    Parameters
    ----------
    dy : Tensor
        Dense.
    x, dt, A, B, C, D, states
        What went in and came out.
    dx, dB, dC : Tensor
        Filled with the gradients; their positions lie dense.
    block : int
        As before.

    Returns
    -------
    tuple of Tensor
        Gradients of dt, A and D.
    """
    batch, length, heads, width = x.shape
    blocks = states.shape[1] - 1
    flows = x.new_empty(batch, blocks, *states.shape[2:])
    ddt = x.new_empty(dt.shape)
    dA, dD = x.new_empty(2, batch * blocks, heads)
    library.call(
        "ssd_backward",
        dy, *library.rows(x), dt, A, *library.rows(B), *library.rows(C), D, states, flows,
        *library.rows(dx), ddt, dA, *library.rows(dB), *library.rows(dC), dD,
        batch, length, heads, width, B.shape[-1], min(block, length),
    )  # fmt: skip
    return ddt, dA.sum(0), dD.sum(0)


def ssd_step(
    state: Tensor,
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    rows: Tensor | None,
) -> Tensor:
    """One position of some rows; see `genomenet.ops.ssd.ssd_step_`."""
    count, heads, width = x.shape
    x_RI, B, C = (t if t.stride(-1) == 1 else t.contiguous() for t in (x.flatten(1), B, C))
    y = x.new_empty(x.shape)
    library.call(
        "ssd_step",
        state, None if rows is None else rows.contiguous(), x_RI, x_RI.stride(0), dt.contiguous(),
        A, B, B.stride(0), C, C.stride(0), D.contiguous(), y, count, heads, width, B.shape[-1],
    )  # fmt: skip
    return y


def _padded(size: int) -> int:
    multiple = library.constant("padding")
    return -(-size // multiple) * multiple
