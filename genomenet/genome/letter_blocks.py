"""Regroup the text of contigs into blocks of bases, all of one size, in flat memory."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genomenet.genome.alphabet import (
    AMBIGUITY_FLAG,
    CODE_BITS,
    NOT_A_NUCLEOTIDE,
    SOFT_MASK_FLAG,
    URACIL_FLAG,
    NotNucleotides,
    pack_bytes,
)
from genomenet.genome.contigs import Contig

BLOCK_BP = 1 << 18
"""Bases of a block: a block and what is made of it fit into the cache of one core."""

_PAIR = np.dtype("<u2")


class BaseBlock(NamedTuple):
    """Some consecutive bases of a genome, whatever the contigs. The arrays are only lent.

    Attributes
    ----------
    codes : ndarray of uint8, shape (bases,)
        Their codes.
    packed : ndarray of uint8, shape (bases,)
        The codes with the soft-mask flag of `alphabet` above them.
    any_n : bool
        Whether there may be an N.
    """

    codes: npt.NDArray[np.uint8]
    packed: npt.NDArray[np.uint8]
    any_n: bool = True

    def nibbles(self) -> npt.NDArray[np.uint8]:
        """Return four bits a base, the first of two bases in the low half of its byte."""
        packed = self.packed
        if packed.size % 2:
            packed = np.append(packed, np.uint8(0))
        pairs = packed.view(_PAIR)
        shifted = pairs >> _PAIR.type(4)
        shifted |= pairs
        return shifted.astype(np.uint8)

    def mask_bits(self) -> npt.NDArray[np.uint8]:
        """Return the soft mask, one bit a base, the first in the lowest bit of its byte."""
        return np.packbits(self.packed & np.uint8(SOFT_MASK_FLAG), bitorder="little")


class LetterBlocks:
    """Takes contigs piece by piece and hands on blocks of their concatenation.

    However short the contigs are, the work that is vectorised is done on whole blocks.

    Parameters
    ----------
    take : callable
        Given every `BaseBlock`; all but the last have `BLOCK_BP` bases.

    Attributes
    ----------
    length_bp : int
        Bases so far.
    ambiguity_to_n, uracil_to_t : int
        Letters replaced so far.
    """

    def __init__(self, take: Callable[[BaseBlock], None]) -> None:
        self.length_bp = 0
        self.ambiguity_to_n = 0
        self.uracil_to_t = 0
        self._take = take
        self._starts: list[tuple[str, int]] = []
        packed = bytearray(BLOCK_BP)
        self._view = memoryview(packed)
        self._packed = np.frombuffer(packed, dtype=np.uint8)
        self._codes = np.empty(BLOCK_BP, dtype=np.uint8)
        self._filled = 0
        self._any_n = False

    @property
    def contig_name(self) -> str:
        """Name of the contig being read."""
        return self._starts[-1][0]

    @property
    def contig_length_bp(self) -> int:
        """Length so far of the contig being read."""
        return self.length_bp - self._starts[-1][1]

    def contigs(self) -> tuple[Contig, ...]:
        """Return the contigs so far."""
        ends = [start for _, start in self._starts[1:]] + [self.length_bp]
        return tuple(
            Contig(name, end - start, start)
            for (name, start), end in zip(self._starts, ends, strict=True)
        )

    def begin(self, name: str) -> None:
        """Start the next contig."""
        self._starts.append((name, self.length_bp))

    def append(self, text: bytes) -> None:
        """Continue the contig with sequence text, line ends and blanks and all.

        Raises
        ------
        NotNucleotides
            A letter that is neither a base, U, nor an IUPAC ambiguity code.
        """
        packed = pack_bytes(text)
        unusual = not packed.isascii()
        if unusual:
            packed = self._without_flags(packed)
        size = len(packed)
        self.length_bp += size
        if self._filled + size < BLOCK_BP:
            self._view[self._filled : self._filled + size] = packed
            self._filled += size
            self._any_n |= unusual
            return
        rest = memoryview(packed)
        while rest:
            piece = rest[: BLOCK_BP - self._filled]
            self._view[self._filled : self._filled + len(piece)] = piece
            self._any_n |= unusual
            self._filled += len(piece)
            rest = rest[len(piece) :]
            if self._filled == BLOCK_BP:
                self._hand_on()

    def finish(self) -> None:
        """Hand on what is left."""
        if self._filled:
            self._hand_on()

    def _without_flags(self, packed: bytes) -> bytes:
        """Count what was replaced, and keep codes and soft mask."""
        flags = np.frombuffer(packed, dtype=np.uint8)
        if flags.max() == NOT_A_NUCLEOTIDE:
            raise NotNucleotides
        self.ambiguity_to_n += int(np.count_nonzero(flags & np.uint8(AMBIGUITY_FLAG)))
        self.uracil_to_t += int(np.count_nonzero(flags & np.uint8(URACIL_FLAG)))
        return (flags & np.uint8(CODE_BITS | SOFT_MASK_FLAG)).tobytes()

    def _hand_on(self) -> None:
        packed, codes = self._packed[: self._filled], self._codes[: self._filled]
        np.bitwise_and(packed, np.uint8(CODE_BITS), out=codes)
        self._take(BaseBlock(codes, packed, self._any_n))
        self._filled = 0
        self._any_n = False
