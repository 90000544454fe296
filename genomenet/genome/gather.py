"""Copy segments of a memory-mapped genome into a batch, at nearly the speed of memory."""

import numpy as np
import numpy.typing as npt

from genomenet.genome.mask_bits import MaskBits
from genomenet.genome.places import Codes, Int64, Mask, Places

_BLOCK_BYTES = 1 << 18
"""Bytes copied at once: what is in between stays in a core's cache."""
_FREE_ROWS = 512
"""numpy lets other threads run while it copies more than 500 elements, as threads that read do."""
_LONG_BYTES = 1 << 14
"""Rows that are longer cost so much to copy that each may be called for."""


def gather(
    codes: Codes, bits: Codes, firsts: Int64, places: Places, codes_BL: Codes, mask: MaskBits
) -> None:
    """Copy segments of one store into a batch as `copy_segments` does, but straight from its maps.

    Parameters
    ----------
    codes : ndarray of uint8, shape (bases,)
        Of the whole store.
    bits : ndarray of uint8, shape (bases / 8,)
        Its soft mask, one bit a base, the first in the lowest bit.
    firsts : ndarray of int64, shape (S,)
        First base of each segment in the store.
    places : Places
        Rows, columns and lengths of the S segments.
    codes_BL : ndarray of uint8, shape (B, L)
        Written into; contiguous.
    mask : MaskBits
        Written into; of nothing before.
    """
    begins, bytes_a_row = firsts >> 3, mask.bits.shape[1]
    quick = (places.lengths == mask.length_bp) & (begins + bytes_a_row <= bits.size)
    if quick.all():
        rows, starts = places.rows, firsts
    else:
        others = Places(*(column[~quick] for column in places))
        copy_few(codes, bits, firsts[~quick], others, codes_BL, mask)
        rows, starts, begins = places.rows[quick], firsts[quick], begins[quick]
    if rows.size:
        _copy_rows(codes, starts, codes_BL, rows)
        _copy_rows(bits, begins, mask.bits, rows)
        mask.shifts[rows] = starts & 7


def copy_few(
    codes: Codes, bits: Codes, firsts: Int64, places: Places, codes_BL: Codes, mask: MaskBits
) -> None:
    """Do what `gather` does, one segment after the other: quicker for a handful of them."""
    bytes_a_row = mask.bits.shape[1]
    columns = (firsts, places.lengths, places.rows, places.columns)
    for first, bases, row, column in zip(*(part.tolist() for part in columns), strict=True):
        codes_BL[row, column : column + bases] = codes[first : first + bases]
        begin = first >> 3
        if bases == mask.length_bp and begin + bytes_a_row <= bits.size:
            mask.bits[row] = bits[begin : begin + bytes_a_row]
            mask.shifts[row] = first & 7
        else:
            mask.put(row, column, unpacked(bits, first, first + bases))


def unpacked(bits: Codes, first: int, last: int) -> Mask:
    """Return bits `first` to `last` of a soft mask, shape (last - first,)."""
    flags = np.unpackbits(bits[first >> 3 : (last + 7) >> 3], bitorder="little")
    return flags[first & 7 : (first & 7) + last - first].view(np.bool_)


def _copy_rows(
    source: npt.NDArray[np.uint8], firsts: Int64, target: npt.NDArray[np.uint8], rows: Int64
) -> None:
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
