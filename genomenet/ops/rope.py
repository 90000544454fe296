"""Rotary position embedding over the first dimensions of every head."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from genomenet.ops.native import library
from genomenet.ops.native.rope import NativeRotation
from genomenet.ops.packing import Packing


def apply_rope(
    x_BLHP: Tensor, rotary_dim: int, base: float = 10000.0, packing: Packing | None = None
) -> Tensor:
    """Rotate pairs (i, i + rotary_dim / 2) by ``position * base^(-2 i / rotary_dim)``.

    Su et al. 2021, arXiv:2104.09864, in the half-split pairing of GPT-NeoX; positions are
    0 to L - 1. Angles are computed in float64, then their cosines and sines are cast: in float32,
    an angle of thousands of turns would be off by its last digits, 4e-4 at position 8,000.

    Parameters
    ----------
    x_BLHP : Tensor
        Queries or keys.
    rotary_dim : int
        Rotated dimensions, even, at most P; the rest is copied. 0 rotates nothing.
    base : float, default 10000.0
        Ratio between the slowest and the fastest rotation.
    packing : Packing, optional
        The rows are one packed row; positions begin anew with every sequence.

    Returns
    -------
    Tensor
        (B, L, H, P), in the dtype of `x_BLHP`.

    Raises
    ------
    ValueError
        If `rotary_dim` is odd, negative or larger than P.
    """
    _check(rotary_dim, x_BLHP.shape[-1])
    if rotary_dim == 0:
        return x_BLHP
    return _Rotate.apply(x_BLHP, *_table(x_BLHP, rotary_dim, base, packing, x_BLHP.dtype))


def rotated_qkv(
    qkv_BL3HP: Tensor, rotary_dim: int, base: float = 10000.0, packing: Packing | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries and keys of a joint projection after `apply_rope`, and the values as they are.

    Parameters
    ----------
    qkv_BL3HP : Tensor
        Queries, keys and values.
    rotary_dim, base, packing
        As in `apply_rope`.

    Returns
    -------
    tuple of Tensor
        Three of (B, L, H, P).
    """
    _check(rotary_dim, qkv_BL3HP.shape[-1])
    q_BLHP, k_BLHP, v_BLHP = qkv_BL3HP.unbind(2)
    if rotary_dim == 0:
        return q_BLHP, k_BLHP, v_BLHP
    if packing is None and library.serves(qkv_BL3HP, dtypes=library.HALVES):
        cos, sin = _table(qkv_BL3HP, rotary_dim, base, packing, torch.float32)
        return NativeRotation.apply(qkv_BL3HP, cos, sin)
    cos, sin = _table(qkv_BL3HP, rotary_dim, base, packing, qkv_BL3HP.dtype)
    return _Rotate.apply(q_BLHP, cos, sin), _Rotate.apply(k_BLHP, cos, sin), v_BLHP


def _table(
    x: Tensor, rotary_dim: int, base: float, packing: Packing | None, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Cosines and sines of all positions of a tensor (B, L, ...)."""
    length = x.shape[1] if packing is None else packing.longest
    # A power of two, so that sequences of changing length share a table.
    rows = 1 << max(0, length - 1).bit_length()
    cos, sin = _angles(rows, rotary_dim, float(base), x.device, dtype)
    if packing is not None:
        return cos[packing.position_M], sin[packing.position_M]
    return cos[:length], sin[:length]


def apply_rope_at(
    x_RHP: Tensor, position_R: Tensor, rotary_dim: int, base: float = 10000.0
) -> Tensor:
    """`apply_rope` of one position a row, each row at a position of its own.

    Parameters
    ----------
    x_RHP : Tensor
        Queries or keys.
    position_R : Tensor of int64
        Where each row stands, from 0.
    rotary_dim, base
        As in `apply_rope`.

    Returns
    -------
    Tensor
        (R, H, P), in the dtype of `x_RHP`. Gradients are not available.
    """
    _check(rotary_dim, x_RHP.shape[-1])
    if rotary_dim == 0:
        return x_RHP
    cos, sin = _cos_sin(position_R, rotary_dim, float(base), x_RHP.dtype)
    return _rotate(x_RHP, cos, sin, 1.0)


def apply_rope_from(
    x_BLHP: Tensor, first_B: Tensor, rotary_dim: int, base: float = 10000.0
) -> Tensor:
    """`apply_rope` of consecutive positions, each row beginning at a position of its own.

    Parameters
    ----------
    x_BLHP : Tensor
        Queries or keys.
    first_B : Tensor of int64
        Where the first position of each row stands, from 0.
    rotary_dim, base
        As in `apply_rope`.

    Returns
    -------
    Tensor
        (B, L, H, P), in the dtype of `x_BLHP`. Gradients are not available.
    """
    _check(rotary_dim, x_BLHP.shape[-1])
    if rotary_dim == 0:
        return x_BLHP
    # Angles of the positions that occur: a table from 0 on would grow with the sequence.
    low, high = int(first_B.min()), int(first_B.max()) + x_BLHP.shape[1]
    position_T = torch.arange(low, high, device=x_BLHP.device)
    place_L = torch.arange(x_BLHP.shape[1], device=x_BLHP.device)
    cos, sin = _cos_sin(position_T, rotary_dim, base, x_BLHP.dtype)
    place_BL = (first_B - low).unsqueeze(1) + place_L
    return _rotate(x_BLHP, cos[place_BL], sin[place_BL], 1.0)


def _check(rotary_dim: int, width: int) -> None:
    if rotary_dim % 2 or not 0 <= rotary_dim <= width:
        raise ValueError(f"rotary_dim must be even and within 0..{width}, got {rotary_dim}")


@lru_cache(maxsize=32)
def _angles(
    length: int, rotary_dim: int, base: float, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Cosines and sines, (length, 1, rotary_dim / 2)."""
    # Tensors made in inference mode could not be used by a later training step.
    with torch.inference_mode(False), torch.no_grad():
        return _cos_sin(torch.arange(length, device=device), rotary_dim, base, dtype)


def _cos_sin(
    position_T: Tensor, rotary_dim: int, base: float, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the angles at some positions, (T, 1, rotary_dim / 2)."""
    rate = _rates(rotary_dim, base, position_T.device)
    angle = torch.outer(position_T.double(), rate).unsqueeze(1)
    return angle.cos().to(dtype), angle.sin().to(dtype)


@lru_cache(maxsize=32)
def _rates(rotary_dim: int, base: float, device: torch.device) -> Tensor:
    """Radians a position by which each pair of dimensions turns, (rotary_dim / 2,)."""
    with torch.inference_mode(False), torch.no_grad():
        pair = torch.arange(0, rotary_dim, 2, dtype=torch.float64, device=device)
        return base ** (-pair / rotary_dim)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor, sign: float) -> Tensor:
    half = cos.shape[-1]
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    first, second = x[..., :half], x[..., half : 2 * half]
    out_first, out_second = out[..., :half], out[..., half : 2 * half]
    torch.mul(first, cos, out=out_first)
    out_first.addcmul_(second, sin, value=-sign)
    torch.mul(second, cos, out=out_second)
    out_second.addcmul_(first, sin, value=sign)
    if 2 * half < x.shape[-1]:
        out[..., 2 * half :] = x[..., 2 * half :]
    return out


class _Rotate(torch.autograd.Function):
    """A rotation; its gradient is the rotation back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _rotate(x, cos, sin, 1.0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _rotate(dy, cos, sin, -1.0), None, None
