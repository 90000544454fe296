"""Randomness without state: a keyed integer hash, and a keyed permutation of any range."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

UInt64 = npt.NDArray[np.uint64]

# Even, so that halves of unequal width are back in their places at the end.
_ROUNDS = 6
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _finalise(state: UInt64) -> UInt64:
    """Spread every bit over all 64, as splitmix64 does (Steele, Lea and Flood 2014)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def mix(*parts: int | npt.NDArray[np.integer]) -> UInt64:
    """Hash integers, or arrays of them, to 64 bits that look random.

    Parameters
    ----------
    *parts : int or integer ndarray
        Broadcast against each other; the order matters.

    Returns
    -------
    ndarray of uint64
        The broadcast shape; 0-d when all parts are integers.
    """
    state = np.zeros((), dtype=np.uint64)
    # Wrapping around is meant; numpy would warn of it for 0-d arrays.
    with np.errstate(over="ignore"):
        for part in parts:
            if isinstance(part, int):
                value = np.asarray(part & 0xFFFFFFFFFFFFFFFF, dtype=np.uint64)
            else:
                value = np.asarray(part).astype(np.uint64)
            state = _finalise((state ^ value) + _GOLDEN)
    return state


def permute(index: npt.NDArray[np.int64], size: int, *key: int) -> npt.NDArray[np.int64]:
    """Return the places of `index` in a keyed random order of ``range(size)``.

    A small Feistel network permutes the smallest power of two that holds `size`; places beyond
    `size` are sent through it again until they fall inside (cycle walking), which keeps the map a
    bijection and costs the same for any `size`.

    Parameters
    ----------
    index : ndarray of int64, shape (n,)
        Values in ``range(size)``.
    size : int
        How many there are, at least 1.
    *key : int
        Different keys give unrelated orders.

    Returns
    -------
    ndarray of int64, shape (n,)
        A bijection of ``range(size)``.
    """
    bits = (size - 1).bit_length()
    round_keys = _round_keys(key)
    place = _feistel(index.astype(np.uint64), bits, round_keys)
    while (outside := np.flatnonzero(place >= np.uint64(size))).size:
        place[outside] = _feistel(place[outside], bits, round_keys)
    return place.astype(np.int64)


@lru_cache(maxsize=64)
def _round_keys(key: tuple[int, ...]) -> tuple[np.uint64, ...]:
    return tuple(np.uint64(mix(*key, round_number)) for round_number in range(_ROUNDS))


def _feistel(value: UInt64, bits: int, round_keys: tuple[np.uint64, ...]) -> UInt64:
    left_bits, right_bits = bits // 2, bits - bits // 2
    left, right = value >> np.uint64(right_bits), value & np.uint64((1 << right_bits) - 1)
    for key in round_keys:
        noise = _finalise(right + key) & np.uint64((1 << left_bits) - 1)
        left, right = right, left ^ noise
        left_bits, right_bits = right_bits, left_bits
    return (left << np.uint64(right_bits)) | right
