"""Every op as its formula says, in float64 and without any trick: what kernels are tested against.

Gradients are autograd's. Nothing here is fast: one position after the other, or all pairs at once.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def ssd_scan(
    x_BLHP: Tensor, dt_BLH: Tensor, A_H: Tensor, B_BLN: Tensor, C_BLN: Tensor, D_H: Tensor
) -> Tensor:
    """`genomenet.ops.ssd_scan`, position by position; returns (B, L, H, P)."""
    batch, length, heads, width = x_BLHP.shape
    state_BHPN = x_BLHP.new_zeros(batch, heads, width, B_BLN.shape[-1])
    outputs = []
    for t in range(length):
        x_BHP, dt_BH = x_BLHP[:, t], dt_BLH[:, t]
        decay_BH = torch.exp(dt_BH * A_H)
        inflow_BHPN = torch.einsum("bh,bhp,bn->bhpn", dt_BH, x_BHP, B_BLN[:, t])
        state_BHPN = decay_BH[..., None, None] * state_BHPN + inflow_BHPN
        read_BHP = torch.einsum("bhpn,bn->bhp", state_BHPN, C_BLN[:, t])
        outputs.append(read_BHP + D_H[:, None] * x_BHP)
    return torch.stack(outputs, 1)


def ema_scan(z_BSD: Tensor, p_BS: Tensor) -> Tensor:
    """`genomenet.ops.ema_scan`, chunk by chunk; returns (B, S, D)."""
    y_BD = torch.zeros_like(z_BSD[:, 0])
    outputs = []
    for s in range(z_BSD.shape[1]):
        p_B1 = p_BS[:, s, None]
        y_BD = p_B1 * z_BSD[:, s] + (1 - p_B1) * y_BD
        outputs.append(y_BD)
    return torch.stack(outputs, 1)


def causal_conv_silu(x_BLC: Tensor, weight_CK: Tensor, bias_C: Tensor) -> Tensor:
    """`genomenet.ops.causal_conv_silu`, tap by tap; returns (B, L, C)."""
    length, taps = x_BLC.shape[1], weight_CK.shape[1]
    padded = F.pad(x_BLC, (0, 0, taps - 1, 0))
    u = bias_C + sum(padded[:, k : k + length] * weight_CK[:, k] for k in range(taps))
    return u * torch.sigmoid(u)


def causal_attention(q_BLHP: Tensor, k_BLHP: Tensor, v_BLHP: Tensor, window: int = -1) -> Tensor:
    """`genomenet.ops.causal_attention` over all pairs of positions; returns (B, L, H, P)."""
    position = torch.arange(q_BLHP.shape[1], device=q_BLHP.device)
    back_LM = position[:, None] - position
    seen_LM = (back_LM >= 0) if window < 0 else (back_LM >= 0) & (back_LM <= window)
    score = torch.einsum("blhp,bmhp->bhlm", q_BLHP, k_BLHP) / math.sqrt(q_BLHP.shape[-1])
    weight = score.masked_fill(~seen_LM, -math.inf).softmax(-1)
    return torch.einsum("bhlm,bmhp->blhp", weight, v_BLHP)


def rms_norm(x: Tensor, weight: Tensor, eps: float = 1e-5) -> Tensor:
    """`genomenet.ops.rms_norm`; returns the shape of `x`."""
    return x * weight / torch.sqrt((x**2).mean(-1, keepdim=True) + eps)


def gated_rms_norm(y: Tensor, z: Tensor, weight: Tensor, eps: float = 1e-5) -> Tensor:
    """`genomenet.ops.gated_rms_norm`; returns the shape of `y`."""
    return rms_norm(y * z * torch.sigmoid(z), weight, eps)


def apply_rope(x_BLHP: Tensor, rotary_dim: int, base: float = 10000.0) -> Tensor:
    """`genomenet.ops.apply_rope` by products of complex numbers; returns (B, L, H, P)."""
    half = rotary_dim // 2
    number = torch.arange(half, dtype=torch.float64, device=x_BLHP.device)
    position = torch.arange(x_BLHP.shape[1], dtype=torch.float64, device=x_BLHP.device)
    angle_LF = position[:, None] * base ** (-number / half)
    turn_L1F = torch.polar(torch.ones_like(angle_LF), angle_LF).unsqueeze(1)
    first, second, rest = x_BLHP.split([half, half, x_BLHP.shape[-1] - rotary_dim], -1)
    turned = torch.complex(first, second) * turn_L1F
    return torch.cat([turned.real, turned.imag, rest], -1)


def segment_attention(q_BSKHP: Tensor, k_BLHP: Tensor, v_BLHP: Tensor, chunk_BL: Tensor) -> Tensor:
    """`genomenet.ops.segment_attention` with a mask of all pairs; returns (B, S, K, H, P)."""
    own_BSL = chunk_BL[:, None] == torch.arange(q_BSKHP.shape[1], device=chunk_BL.device)[:, None]
    score = torch.einsum("bskhp,blhp->bskhl", q_BSKHP, k_BLHP) / math.sqrt(q_BSKHP.shape[-1])
    weight = score.masked_fill(~own_BSL[:, :, None, None], -math.inf).softmax(-1)
    # A chunk without positions has a row of nothing but -inf.
    return torch.einsum("bskhl,blhp->bskhp", weight.nan_to_num(0.0), v_BLHP)


def slot_attention(q_BLHP: Tensor, k_BSKHP: Tensor, v_BSKHP: Tensor, chunk_BL: Tensor) -> Tensor:
    """`genomenet.ops.slot_attention`, chunks by a one-hot product; returns (B, L, H, P)."""
    own_BLS = (chunk_BL[..., None] == torch.arange(k_BSKHP.shape[1], device=chunk_BL.device)).to(
        q_BLHP.dtype
    )
    k_BLKHP = torch.einsum("bls,bskhp->blkhp", own_BLS, k_BSKHP)
    v_BLKHP = torch.einsum("bls,bskhp->blkhp", own_BLS, v_BSKHP)
    score = torch.einsum("blhp,blkhp->blkh", q_BLHP, k_BLKHP) / math.sqrt(q_BLHP.shape[-1])
    return torch.einsum("blkh,blkhp->blhp", score.softmax(2), v_BLKHP)


def segment_max(x_BLD: Tensor, chunk_BL: Tensor, chunks: int) -> Tensor:
    """`genomenet.ops.segment_max` with a mask of all pairs; returns (B, S, D)."""
    own_BSL = chunk_BL[:, None] == torch.arange(chunks, device=chunk_BL.device)[:, None]
    masked = x_BLD[:, None].masked_fill(~own_BSL[..., None], -math.inf)
    largest_BSD = masked.amax(2)
    return largest_BSD.masked_fill(~own_BSL.any(2, keepdim=True), 0.0)
