"""Put short pieces of sequence together to one long one, so that windows can be cut from it."""

from collections.abc import Sequence

import numpy as np

from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval
from genomenet.genome.places import Int64, Places, contig_numbers


class PackedPieces:
    """Pieces in a row with one N between two neighbours.

    Windows of the row hold the end of one piece, some whole ones, and the beginning of another,
    as documents of text are packed. What stands between them is never scored.

    Parameters
    ----------
    genome : Genome
        Whose contigs they are on.
    pieces : sequence of Interval
        In the order of the row.

    Attributes
    ----------
    length_bp : int
        Bases of all pieces, and one N between each two.
    """

    def __init__(self, genome: Genome, pieces: Sequence[Interval]) -> None:
        self._contigs = contig_numbers(genome.contigs, [piece.contig for piece in pieces])
        self._starts = np.array([piece.start for piece in pieces], dtype=np.int64)
        lengths = np.array([piece.length_bp for piece in pieces], dtype=np.int64)
        self._ends = np.cumsum(lengths + 1) - 1  # of each piece, in the row
        self._begins = self._ends - lengths
        self.length_bp = int(self._ends[-1]) if pieces else 0

    def locate(self, starts: Int64, length_bp: int) -> Places:
        """Return the segments of windows of the row.

        Parameters
        ----------
        starts : ndarray of int64, shape (n,)
            Where each window begins.
        length_bp : int
            Length of a window, at least 2, so that it holds more than the N between two pieces.
        """
        first = np.searchsorted(self._ends, starts, side="right")
        last = np.searchsorted(self._begins, starts + length_bp, side="left")
        counts = last - first
        window = np.repeat(np.arange(starts.size), counts)
        piece = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        piece += first[window]
        begin = np.maximum(self._begins[piece], starts[window])
        end = np.minimum(self._ends[piece], starts[window] + length_bp)
        return Places(
            window,
            begin - starts[window],
            self._contigs[piece],
            self._starts[piece] + begin - self._begins[piece],
            end - begin,
        )
