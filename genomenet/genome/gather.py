"""Copy segments of a memory-mapped genome into a batch, at nearly the speed of memory."""

import numpy as np

from genomenet.genome.places import Int64, Packed, Places

_BLOCK_BYTES = 1 << 18
"""Bytes copied at once: what is in between stays in a core's cache."""
_FREE_ROWS = 512
"""numpy lets other threads run while it copies more than 500 elements, as threads that read do."""
_LONG_BYTES = 1 << 14
"""Rows that are longer cost so much to copy that each may be called for."""


def gather(bases: Packed, firsts: Int64, places: Places, packed_BL: Packed) -> None:
    """Copy segments of one store into a batch as `copy_segments` does, but straight from its map.

    Parameters
    ----------
    bases : ndarray of uint8, shape (bases,)
        Of the whole store.
    firsts : ndarray of int64, shape (S,)
        First base of each segment in the store.
    places : Places
        Rows, columns and lengths of the S segments.
    packed_BL : ndarray of uint8, shape (B, L)
        Written into; contiguous.
    """
    rows, whole = places.rows, places.lengths == packed_BL.shape[1]
    if not whole.all():
        others = Places(*(column[~whole] for column in places))
        copy_few(bases, firsts[~whole], others, packed_BL)
        rows, firsts = rows[whole], firsts[whole]
    if rows.size:
        _copy_rows(bases, firsts, packed_BL, rows)


def copy_few(bases: Packed, firsts: Int64, places: Places, packed_BL: Packed) -> None:
    """Do what `gather` does, one segment after the other: quicker for a handful of them."""
    columns = (firsts, places.lengths, places.rows, places.columns)
    for first, length, row, column in zip(*(part.tolist() for part in columns), strict=True):
        packed_BL[row, column : column + length] = bases[first : first + length]


def _copy_rows(source: Packed, firsts: Int64, target: Packed, rows: Int64) -> None:
    """Fill rows of `target`, shape (R, n), with the n bytes of `source` from each of `firsts`."""
    length = target.shape[1]
    if length > _LONG_BYTES:
        for row, first in zip(rows.tolist(), firsts.tolist(), strict=True):
            target[row] = source[first : first + length]
        return
    # All stretches of n bytes as elements that overlap: numpy then copies them in one loop in C,
    # where a slice for each would cost more than its 1,024 bytes.
    stretch = np.dtype((np.void, length))
    stretches = np.ndarray((source.size - length + 1,), stretch, buffer=source, strides=(1,))
    elements = target.view(stretch).reshape(-1)
    step = _BLOCK_BYTES // length
    if rows.size >= _FREE_ROWS:
        step = max(step, _FREE_ROWS)
    for i in range(0, rows.size, step):
        elements[rows[i : i + step]] = stretches[firsts[i : i + step]]
