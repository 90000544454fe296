"""Mamba-2 state-space scan (SSD), in blocks, with a hand-written backward."""

from __future__ import annotations

import torch
from torch import Tensor

from genomenet.ops import backend
from genomenet.ops.native import library
from genomenet.ops.native.ssd import NativeSSDScan, ssd_step
from genomenet.ops.packing import Packing
from genomenet.ops.precision import no_autocast, scan_dtype
from genomenet.ops.ssd_blocks import SSDScan


def ssd_scan(
    x_BLHP: Tensor,
    dt_BLH: Tensor,
    A_H: Tensor,
    B_BLN: Tensor,
    C_BLN: Tensor,
    D_H: Tensor,
    *,
    block: int = 64,
    matmul_dtype: torch.dtype | None = None,
    packing: Packing | None = None,
) -> Tensor:
    """Mamba-2 recurrence with one group of `B` and `C`.

    For every head: ``S_t = exp(dt_t A) S_{t-1} + dt_t x_t B_t^T``, ``y_t = S_t C_t + D x_t``
    (Dao & Gu 2024, arXiv:2405.21060, section 6), computed block by block: a masked matrix
    product inside a block and a state of shape (P, N) between blocks.

    Parameters
    ----------
    x_BLHP : Tensor
        Inputs; any strides.
    dt_BLH : Tensor
        Step sizes, not negative (after softplus).
    A_H : Tensor
        Negative decay rates.
    B_BLN, C_BLN : Tensor
        Input and output projections of the state, shared by all heads.
    D_H : Tensor
        Skip weight of every head.
    block : int, default 64
        Positions per block on the torch path; changes rounding only. Measured on a CPU, 64 is
        best for N from 64 to 128 and ties with 32 at N = 16.
    matmul_dtype : torch.dtype, optional
        Dtype of the matrix products' operands, such as ``torch.bfloat16``; decays, states and
        sums over blocks stay in float32. Default: the dtype of the scan. On a CPU the casts
        cost more than they save: ``torch.set_float32_matmul_precision("medium")`` with the
        default is faster. mamba-ssm, where it serves, chooses for itself.
    packing : Packing, optional
        The rows are one packed row; no sequence sees another.

    Returns
    -------
    Tensor
        (B, L, H, P), in the dtype of `x_BLHP`. Second derivatives are not available.

    Raises
    ------
    ValueError
        If the shapes disagree or `block` is not positive.
    """
    batch, length, heads, _ = x_BLHP.shape
    if dt_BLH.shape != (batch, length, heads):
        raise ValueError(f"dt has shape {tuple(dt_BLH.shape)}, x needs {(batch, length, heads)}")
    if A_H.shape != (heads,) or D_H.shape != (heads,):
        raise ValueError(f"A and D need shape ({heads},): {tuple(A_H.shape)}, {tuple(D_H.shape)}")
    if B_BLN.shape != C_BLN.shape or B_BLN.ndim != 3 or B_BLN.shape[:2] != (batch, length):
        raise ValueError(
            f"B and C need one shape ({batch}, {length}, N): "
            f"{tuple(B_BLN.shape)}, {tuple(C_BLN.shape)}"
        )
    if block < 1:
        raise ValueError(f"block must be positive, got {block}")

    if backend.uses("ssd", x_BLHP):
        return backend.mamba_ssd(x_BLHP, dt_BLH, A_H, B_BLN, C_BLN, D_H, packing)
    if packing is not None:
        return packing.padded(
            lambda x, dt, B, C: ssd_scan(
                x, dt, A_H, B, C, D_H, block=block, matmul_dtype=matmul_dtype
            ),
            x_BLHP,
            dt_BLH,
            B_BLN,
            C_BLN,
        )
    dtype = scan_dtype(x_BLHP, dt_BLH)
    inputs = [t.to(dtype) for t in (x_BLHP, dt_BLH, A_H, B_BLN, C_BLN, D_H)]
    if matmul_dtype in (None, dtype) and library.serves(*inputs):
        y_BLHP = NativeSSDScan.apply(*inputs, block)
    else:
        y_BLHP = SSDScan.apply(*inputs, block, matmul_dtype or dtype)
    return y_BLHP.to(x_BLHP.dtype)


def ssd_step_(
    state_BHPN: Tensor,
    x_RHP: Tensor,
    dt_RH: Tensor,
    A_H: Tensor,
    B_RN: Tensor,
    C_RN: Tensor,
    D_H: Tensor,
    rows_R: Tensor | None = None,
) -> Tensor:
    """One position of `ssd_scan`: ``S = exp(dt A) S + dt x B^T`` and ``y = S C + D x``.

    Parameters
    ----------
    state_BHPN : Tensor
        S, in float32 or float64; zeros before the first position. Brought up to date in place.
    x_RHP, dt_RH, A_H, B_RN, C_RN, D_H : Tensor
        As in `ssd_scan`, at one position.
    rows_R : Tensor of int64, optional
        The rows of the state that step, different ones; all of them in order when left out.

    Returns
    -------
    Tensor
        y (R, H, P), in the dtype of `x_RHP`.
    """
    x, dt, A, B, C, D = (t.to(state_BHPN.dtype) for t in (x_RHP, dt_RH, A_H, B_RN, C_RN, D_H))
    if state_BHPN.is_contiguous() and library.serves(state_BHPN):
        return ssd_step(state_BHPN, x, dt, A, B, C, D, rows_R).to(x_RHP.dtype)
    state_RHPN = state_BHPN if rows_R is None else state_BHPN[rows_R]
    with no_autocast(x):
        step_RHP = dt.unsqueeze(-1) * x
        state_RHPN.mul_(torch.exp(dt * A)[..., None, None])
        state_RHPN.addcmul_(step_RHP.unsqueeze(-1), B[:, None, None, :])
        # C from the left, and all heads of a row in one product: as a batch of columns it is three
        # times as slow on a CPU.
        y_R1I = torch.bmm(C.unsqueeze(1), state_RHPN.flatten(1, 2).mT)
        y_RHP = y_R1I.view(x.shape) + D[:, None] * x
    if rows_R is not None:
        state_BHPN[rows_R] = state_RHPN
    return y_RHP.to(x_RHP.dtype)
