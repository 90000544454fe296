"""Regroup the text of contigs into blocks of bases, all of one size, in flat memory."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from genomenet.genome.alphabet import (
    AMBIGUITY_FLAG,
    KEPT_BITS,
    NOT_A_NUCLEOTIDE,
    URACIL_FLAG,
    NotNucleotides,
    pack_bytes,
)
from genomenet.genome.contigs import Contig

BLOCK_BP = 1 << 19
"""Bases of a block: what is made of it stays in a cache, and calls per block cost little."""

_KEPT_BYTES = 4 << 20


class LetterBlocks:
    """Takes contigs piece by piece and hands on blocks of their concatenation.

    However short the contigs are, the work that is vectorised is done on whole blocks.

    Parameters
    ----------
    take : callable
        Given the packed bytes of every block, codes and soft mask, only lent; all but the last
        have `BLOCK_BP` bases.

    Attributes
    ----------
    length_bp : int
        Bases so far.
    ambiguity_to_n, uracil_to_t : int
        Letters replaced so far.
    """

    def __init__(self, take: Callable[[npt.NDArray[np.uint8]], object]) -> None:
        self.length_bp = 0
        self.ambiguity_to_n = 0
        self.uracil_to_t = 0
        self._take = take
        self._starts: list[tuple[str, int]] = []
        packed = bytearray(BLOCK_BP)
        self._view = memoryview(packed)
        self._packed = np.frombuffer(packed, dtype=np.uint8)
        self._filled = 0
        # Once it has freed so large a piece, malloc keeps the memory of the pieces to come, where
        # it would give it back and take it anew for every block: a third of an import's time.
        bytes(_KEPT_BYTES)

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
        if not packed.isascii():
            packed = self._without_flags(packed)
        size = len(packed)
        self.length_bp += size
        if self._filled + size < BLOCK_BP:
            self._view[self._filled : self._filled + size] = packed
            self._filled += size
            return
        rest = memoryview(packed)
        while rest:
            piece = rest[: BLOCK_BP - self._filled]
            self._view[self._filled : self._filled + len(piece)] = piece
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
        return (flags & np.uint8(KEPT_BITS)).tobytes()

    def _hand_on(self) -> None:
        self._take(self._packed[: self._filled])
        self._filled = 0
