"""The SSD scan continued from a state: many positions at once behind a prefix already read."""

from __future__ import annotations

import torch
from torch import Tensor

from genomenet.ops.native import library
from genomenet.ops.native.ssd import ssd_forward
from genomenet.ops.precision import no_autocast
from genomenet.ops.ssd_blocks import CPU_GROUP, GPU_GROUP, _forward
from genomenet.ops.ssd_groups import MIN_LOG_DECAY


def ssd_read_(
    state_BHPN: Tensor,
    x_BLHP: Tensor,
    dt_BLH: Tensor,
    A_H: Tensor,
    B_BLN: Tensor,
    C_BLN: Tensor,
    D_H: Tensor,
    *,
    block: int = 64,
    matmul_dtype: torch.dtype | None = None,
) -> Tensor:
    """`ssd_scan` of positions behind a state; a loop of `ssd_step_`, all at once.

    Packaged kernels are for whole sequences and don't serve. A position with `dt` = 0
    leaves the state as it is, so padding is a matter of zeros.

    Parameters
    ----------
    state_BHPN : Tensor
        S before the first of the positions, float32 or float64; brought up to date in place.
    x_BLHP, dt_BLH, A_H, B_BLN, C_BLN, D_H, block, matmul_dtype
        As in `ssd_scan`, with L at least 1.

    Returns
    -------
    Tensor
        y (B, L, H, P), in the dtype of `x_BLHP`. Gradients are not available.
    """
    dtype = state_BHPN.dtype
    x, dt, A, B, C, D = (t.to(dtype) for t in (x_BLHP, dt_BLH, A_H, B_BLN, C_BLN, D_H))
    length, heads, width = x.shape[1:]
    if matmul_dtype in (None, dtype) and library.serves(state_BHPN):
        x, B, C = (library.rows_dense(t) for t in (x, B, C))
        y_BLHP, states = ssd_forward(x, dt.contiguous(), A, B, C, D.contiguous(), block, state_BHPN)
        state_BHPN.copy_(states[:, -1, :, : B.shape[-1], :width].transpose(2, 3))
        return y_BLHP.to(x_BLHP.dtype)
    block = min(block, length)
    numbers = CPU_GROUP if x.device.type == "cpu" else GPU_GROUP
    group = max(1, numbers // (heads * width))
    with no_autocast(x):
        before_BNHP = state_BHPN.permute(0, 3, 1, 2)
        y_BLHP, states = _forward(
            (x, dt, A, B, C, D), block, matmul_dtype or dtype, group, before_BNHP
        )
        # The scan knows the state before its last block; what that block adds is one product.
        first = (states.shape[1] - 1) * block
        x, dt, B = x[:, first:], dt[:, first:], B[:, first:]
        low = MIN_LOG_DECAY[dtype]
        a_BlH = (dt * A).clamp_(min=low).cumsum(1)
        end_BlH = (a_BlH[:, -1:] - a_BlH).clamp_(min=low).exp_()
        into_BlX = (x * (end_BlH * dt).unsqueeze(-1)).flatten(2)
        new_BNHP = torch.bmm(B.transpose(1, 2), into_BlX).unflatten(2, (heads, width))
        kept_B1H1 = a_BlH[:, -1].clamp_(min=low).exp_()[:, None, :, None]
        after_BNHP = torch.addcmul(new_BNHP, states[:, -1], kept_B1H1)
        state_BHPN.copy_(after_BNHP.permute(0, 2, 3, 1))
    return y_BLHP.to(x_BLHP.dtype)
