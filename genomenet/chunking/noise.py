"""Numbers that look random and are a pure function of a prefix: hashes of positions and tokens."""

import torch
from torch import Tensor

WORD = 16
"""Tokens that a hash of the last ones takes in."""

_GOLDEN = 0x9E3779B97F4A7C15
_BITS = 53


def hash_recent(recent_K: Tensor) -> Tensor:
    """64 bits of the last tokens, int64 of shape (..., K) to (...)."""
    word = torch.zeros(recent_K.shape[:-1], dtype=torch.int64, device=recent_K.device)
    for j in range(recent_K.shape[-1]):
        # A polynomial modulo 2**64; the smallest token is -1, where there is none.
        word = word * _signed(0xD1342543DE82EF95) + recent_K[..., j] + 2
    return _finalise(word)


def uniform(first: Tensor, *others: Tensor | int) -> Tensor:
    """A number in [0, 1), float64; a function of whole numbers, whose order matters.

    Parameters
    ----------
    first : Tensor of int64
        Any shape.
    *others : Tensor of int64, or int
        Broadcast against it.
    """
    state = _finalise(first)
    for other in others:
        state = _finalise(state ^ (other if isinstance(other, Tensor) else _signed(other)))
    return _shift(state, 64 - _BITS).double() * 2.0**-_BITS


def _finalise(x: Tensor) -> Tensor:
    """Spread every bit over all 64, as splitmix64 does (Steele, Lea and Flood 2014)."""
    x = x + _signed(_GOLDEN)
    x = (x ^ _shift(x, 30)) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ _shift(x, 27)) * _signed(0x94D049BB133111EB)
    return x ^ _shift(x, 31)


def _shift(x: Tensor, bits: int) -> Tensor:
    """Shift right without dragging the sign along."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _signed(value: int) -> int:
    """A 64-bit pattern as torch's int64 has it."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value
