"""Paint the ranges of region classes into the bytes of a contig, the lowest precedence first."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from genomenet.annotation.region_classes import (
    CLASS_BITS,
    CLASSES,
    CODE,
    CODING,
    CODING_1,
    CODING_2,
    CODING_3,
    MINUS,
    PLUS,
    REPEAT,
    STRAND_BITS,
)
from genomenet.annotation.region_features import CodingPiece, ContigRegions, Range, joined

UInt8 = npt.NDArray[np.uint8]

# Votes on a base of coding sequence: one bit for each place in a codon, and the strand's bits.
_PLACES = np.array([1, 2, 4], dtype=np.uint8)


def _verdicts() -> UInt8:
    """The byte that votes lead to: a place in the codon if all agree, else coding at large."""
    names = {1: CODING_1, 2: CODING_2, 4: CODING_3}
    votes = np.arange(128)
    codes = [CODE[names.get(int(vote), CODING)] for vote in votes & 7]
    return (np.array(codes) | (votes & (PLUS | MINUS))).astype(np.uint8)


_VERDICTS = _verdicts()


def paint(painted: UInt8, regions: ContigRegions) -> None:
    """Paint what the annotation says of a contig.

    Parameters
    ----------
    painted : ndarray of uint8, shape (bases,)
        The contig's bytes, all 0 (intergenic, no strand), changed in place.
    regions : ContigRegions
        Its coding pieces have their frames as far as they are known.
    """
    for name in CLASSES:
        if name == CODING:
            _paint_coding(painted, regions.coding)
        for strand in STRAND_BITS:
            if ranges := regions.ranges.get((name, strand)):
                paint_ranges(painted, CODE[name], strand, ranges)


def paint_ranges(painted: UInt8, code: int, strand: str, ranges: Iterable[Range]) -> None:
    """Give ranges a class; a base that has it from the other strand then has it from both."""
    bits = STRAND_BITS[strand]
    for start, end in joined(ranges):
        piece = painted[start:end]
        alike = (piece & CLASS_BITS) == code
        piece[:] = np.where(alike, piece | bits, code | bits)


def paint_repeats(painted: UInt8, ranges: Iterable[Range]) -> None:
    """Set the repeat bit of ranges."""
    for start, end in ranges:
        painted[start:end] |= REPEAT


def _paint_coding(painted: UInt8, pieces: Iterable[CodingPiece]) -> None:
    """Let the pieces over a base vote on its place in a codon."""
    pieces = sorted(pieces, key=lambda piece: piece[:3])
    clusters = joined((piece.start, piece.end) for piece in pieces)
    i = 0
    for start, end in clusters:
        votes = np.zeros(end - start, dtype=np.uint8)
        while i < len(pieces) and pieces[i].end <= end:
            piece = pieces[i]
            own = votes[piece.start - start : piece.end - start]
            own |= np.uint8(STRAND_BITS[piece.strand])
            if piece.frame is not None and piece.strand != ".":
                bases = np.arange(own.size)
                places = _PLACES[(bases - piece.frame) % 3]
                own |= places if piece.strand == "+" else places[::-1]
            i += 1
        painted[start:end] = _VERDICTS[votes]
