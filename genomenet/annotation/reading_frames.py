"""Find the reading frame of coding sequence where the annotation doesn't tell it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from genomenet.annotation.region_features import CodingPiece
from genomenet.genome.alphabet import encode, reverse_complement
from genomenet.genome.genome import Genome

_A, _G, _T = encode("AGT")


def with_frames(genome: Genome, contig: str, pieces: Iterable[CodingPiece]) -> list[CodingPiece]:
    """Give a frame to the pieces of a contig that have none, as far as there is evidence.

    Coding sequence has no stop codon before its end, and two of the three frames of a piece of
    100 bases or more usually have one. So a piece that is open in one frame only has this one.
    For a piece that is open in several, the nearest pieces of its gene on either side decide, if
    they have a frame and one of the open ones continues it. Selenocysteine and genetic codes
    other than the standard one close the true frame; what is left without any gets none.

    Parameters
    ----------
    genome : Genome
        Its bases are read.
    contig : str
        Where the pieces lie.
    pieces : iterable of CodingPiece
        Those with a frame are returned as they are.
    """
    found, genes = [], defaultdict(list)
    # In a fixed order, for a piece is decided by what was decided before it.
    for piece in sorted(pieces, key=lambda piece: piece[:3]):
        if piece.frame is None and piece.strand != ".":
            genes[piece.gene, piece.strand].append(piece)
        else:
            found.append(piece)
    known = defaultdict(list)
    for piece in found:
        known[piece.gene, piece.strand].append(piece)
    for gene, unknown in genes.items():
        open_in = {
            piece: open_frames(genome.read(contig, piece.start, piece.end), piece.strand)
            for piece in unknown
        }
        found += _continue(open_in, known[gene])
    return found


def open_frames(codes: npt.NDArray[np.uint8], strand: str) -> set[int]:
    """Which of the three frames have no stop codon, one at the very end aside.

    Parameters
    ----------
    codes : ndarray of uint8, shape (bases,)
        The piece as the genome has it, from left to right.
    strand : {"+", "-"}
        Where it is read.
    """
    read = codes if strand == "+" else reverse_complement(codes)
    first, second, third = read[:-2], read[1:-1], read[2:]
    ochre_amber = (second == _A) & ((third == _A) | (third == _G))
    stops = np.flatnonzero((first == _T) & (ochre_amber | ((second == _G) & (third == _A))))
    # A stop codon at the very end may be the gene's own.
    return {0, 1, 2} - set((stops[stops + 3 < read.size] % 3).tolist())


def _continue(
    open_in: dict[CodingPiece, set[int]], known: Sequence[CodingPiece]
) -> list[CodingPiece]:
    """The pieces of a gene that had no frame, decided one after the other from those that do."""
    frame_of = {piece: piece.frame for piece in [*open_in, *known]}
    for piece, frames in open_in.items():
        if len(frames) == 1:
            frame_of[piece] = min(frames)
    neighbours = {
        piece: _neighbours(piece, frame_of) for piece in open_in if frame_of[piece] is None
    }
    moved = True
    while moved:
        moved = False
        for piece, (before, after) in neighbours.items():
            if frame_of[piece] is not None:
                continue
            frames = open_in[piece]
            pairs = [(one, frame_of[one]) for one in before]
            continued = {_next(one, frame) for one, frame in pairs if frame is not None} & frames
            wanted = {frame_of[one] for one in after} - {None}
            continuing = {frame for frame in frames if _next(piece, frame) in wanted}
            agreed = continued & continuing if continued and continuing else continued | continuing
            if len(agreed) == 1:
                frame_of[piece] = agreed.pop()
                moved = True
    return [piece._replace(frame=frame_of[piece]) for piece in open_in]


def _next(piece: CodingPiece, frame: int) -> int:
    """The frame of what follows a piece in a transcript."""
    return (frame - (piece.end - piece.start)) % 3


def _neighbours(
    piece: CodingPiece, pieces: Iterable[CodingPiece]
) -> tuple[list[CodingPiece], list[CodingPiece]]:
    """The nearest pieces that end before a piece and that start behind it, along its strand."""
    left = [one for one in pieces if one.end <= piece.start]
    right = [one for one in pieces if one.start >= piece.end]
    last = max((one.end for one in left), default=0)
    first = min((one.start for one in right), default=0)
    left = [one for one in left if one.end == last]
    right = [one for one in right if one.start == first]
    return (left, right) if piece.strand == "+" else (right, left)
