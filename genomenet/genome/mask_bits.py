"""The soft mask of a batch of windows, eight bases to a byte, as it lies in a store."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_BLOCK_BYTES = 1 << 14
"""Bytes unpacked at once: what comes of them stays in a core's cache."""


@dataclass(frozen=True, slots=True)
class MaskBits:
    """Which bases of each row are soft-masked, one bit each.

    A row begins at any bit of its first byte, for a window of a genome does: so the bytes are
    copied as they are, and what is left to do can be done on the device. Bits outside a row mean
    nothing.

    Attributes
    ----------
    bits : ndarray of uint8, shape (B, N)
        The first base is the lowest bit; N as `bytes_a_row` has it.
    shifts : ndarray of uint8, shape (B,)
        Bit of the first byte, below 8, that is the first base of the row.
    length_bp : int
        Length L of the rows.
    """

    bits: npt.NDArray[np.uint8]
    shifts: npt.NDArray[np.uint8]
    length_bp: int

    @staticmethod
    def bytes_a_row(length_bp: int) -> int:
        """Return how many bytes hold `length_bp` bits, wherever in the first one they begin."""
        return -(-length_bp // 8) + 1

    @classmethod
    def zeros(cls, rows: int, length_bp: int) -> "MaskBits":
        """Return a mask of nothing."""
        bits = np.zeros((rows, cls.bytes_a_row(length_bp)), dtype=np.uint8)
        return cls(bits, np.zeros(rows, dtype=np.uint8), length_bp)

    @classmethod
    def of(cls, masked_BL: npt.NDArray[np.bool_]) -> "MaskBits":
        """Pack a mask, shape (B, L)."""
        mask = cls.zeros(*masked_BL.shape)
        for row, flags in enumerate(masked_BL):
            mask.put(row, 0, flags)
        return mask

    def put(self, row: int, column: int, flags: npt.NDArray[np.bool_]) -> None:
        """Set bits of a row from `column` on, shape (bases,); the row must be of nothing there.

        Parameters
        ----------
        row, column : int
            Where to.
        flags : ndarray of bool, shape (bases,)
            What to set.
        """
        first, bit = divmod(column + int(self.shifts[row]), 8)
        padded = np.concatenate([np.zeros(bit, dtype=np.bool_), flags]) if bit else flags
        packed = np.packbits(padded, bitorder="little")
        self.bits[row, first : first + packed.size] |= packed

    def rows(self, first: int, last: int) -> "MaskBits":
        """Return rows `first` to `last`, in the same memory."""
        return MaskBits(self.bits[first:last], self.shifts[first:last], self.length_bp)

    def unpacked(self) -> npt.NDArray[np.bool_]:
        """Return the mask, shape (B, L)."""
        masked = np.empty((len(self.bits), self.length_bp), dtype=np.bool_)
        step = max(1, _BLOCK_BYTES // self.bits.shape[1])
        shifts = self.shifts.tolist()
        for i in range(0, len(self.bits), step):
            flags = np.unpackbits(self.bits[i : i + step], axis=1, bitorder="little")
            for row, of_row in enumerate(flags.view(np.bool_), start=i):
                masked[row] = of_row[shifts[row] : shifts[row] + self.length_bp]
        return masked

    def count(self) -> int:
        """Count the soft-masked bases of all rows."""
        first, bit = np.divmod(self.shifts.astype(np.int64) + self.length_bp, 8)
        rows, last = np.arange(len(self.bits)), self.bits.shape[1] - 1
        outside = np.bitwise_count(self.bits[:, 0] & ((1 << self.shifts) - 1).astype(np.uint8))
        behind = np.bitwise_count(self.bits[rows, first] >> bit.astype(np.uint8))
        after = np.where(first < last, np.bitwise_count(self.bits[:, last]), 0)
        ones = np.bitwise_count(self.bits).sum(dtype=np.int64)
        return int(ones - outside.sum(dtype=np.int64) - behind.sum(dtype=np.int64) - after.sum())
