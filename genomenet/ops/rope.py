"""Rotary position embedding over the first dimensions of every head."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def apply_rope(x_BLHP: Tensor, rotary_dim: int, base: float = 10000.0) -> Tensor:
    """Rotate pairs (i, i + rotary_dim / 2) by ``position * base^(-2 i / rotary_dim)``.

    Su et al. 2021, arXiv:2104.09864, in the half-split pairing of GPT-NeoX; positions are
    0 to L - 1. Angles are computed in float32 (float64 for float64 inputs), then cast.

    Parameters
    ----------
    x_BLHP : Tensor
        Queries or keys.
    rotary_dim : int
        Rotated dimensions, even, at most P; the rest is copied. 0 rotates nothing.
    base : float, default 10000.0
        Ratio between the slowest and the fastest rotation.

    Returns
    -------
    Tensor
        (B, L, H, P), in the dtype of `x_BLHP`.

    Raises
    ------
    ValueError
        If `rotary_dim` is odd, negative or larger than P.
    """
    if rotary_dim % 2 or not 0 <= rotary_dim <= x_BLHP.shape[-1]:
        raise ValueError(
            f"rotary_dim must be even and within 0..{x_BLHP.shape[-1]}, got {rotary_dim}"
        )
    if rotary_dim == 0:
        return x_BLHP
    length = x_BLHP.shape[1]
    # A power of two, so that sequences of changing length share a table.
    rows = 1 << max(0, length - 1).bit_length()
    cos, sin = _angles(rows, rotary_dim, float(base), x_BLHP.device, x_BLHP.dtype)
    return _Rotate.apply(x_BLHP, cos[:length], sin[:length])


@lru_cache(maxsize=32)
def _angles(
    length: int, rotary_dim: int, base: float, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Cosines and sines, (length, 1, rotary_dim / 2)."""
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    # Tensors made in inference mode could not be used by a later training step.
    with torch.inference_mode(False), torch.no_grad():
        pair = torch.arange(0, rotary_dim, 2, dtype=wide, device=device)
        rate = base ** (-pair / rotary_dim)
        angle = torch.outer(torch.arange(length, dtype=wide, device=device), rate).unsqueeze(1)
        return angle.cos().to(dtype), angle.sin().to(dtype)


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
