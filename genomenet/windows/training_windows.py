"""Training windows as a pure function of the sample number: no state, so resume is a counter."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval, subtract, total_bp
from genomenet.genome.places import Int64, Places, contig_numbers
from genomenet.windows.packing import PackedPieces
from genomenet.windows.tiling import Tiling
from genomenet.windows.window_batch import WindowBatch, read_windows

Flips = npt.NDArray[np.bool_]


class NoWindow(UserError):
    """The intervals are too short for a single window."""


class Windows(ABC):
    """A sequence without end of windows to train on; its number alone decides what one holds.

    Attributes
    ----------
    genome : Genome
        Where bases are read.
    length_bp : int
        Length of a window.
    dropped_bp : int
        Bases, N runs apart, that no window can hold.
    """

    genome: Genome
    length_bp: int
    dropped_bp: int

    @abstractmethod
    def locate(self, samples: Int64) -> tuple[Places, Flips]:
        """Return where windows lie, and which are to be reverse-complemented.

        Parameters
        ----------
        samples : ndarray of int64, shape (n,)
            Numbers of windows from 0, in any order.

        Returns
        -------
        Places
            Of n rows.
        ndarray of bool, shape (n,)
        """

    @abstractmethod
    def first_sample(self, epoch: int) -> int:
        """Return the number of the first window of `epoch`, counted from 0."""

    def batch(self, first_sample: int, count: int) -> WindowBatch:
        """Read windows ``first_sample`` to ``first_sample + count``, across epochs if need be."""
        places, flip = self.locate(np.arange(first_sample, first_sample + count, dtype=np.int64))
        return read_windows(self.genome, places, flip, self.length_bp)


class TrainingWindows(Windows):
    """Windows that visit every base of some intervals about once an epoch, in random order.

    The intervals without their long N runs are the *pieces*, which `Tiling` cuts into windows.
    No window leaves its interval, nor overlaps another of the same epoch.

    Parameters
    ----------
    genome : Genome
        Where bases are read.
    intervals : sequence of Interval
        What may be trained on.
    length_bp : int
        Length of a window.
    seed : int
        Of phases, order and strands.
    rc_aug : bool
        Whether every other window (at random) is to be reverse-complemented.
    pack : bool
        Whether pieces shorter than a window are put together, with one N between them, instead of
        being left out.

    Attributes
    ----------
    pieces : list of Interval
        What windows are cut from, sorted by contig name and start.
    dropped_bp : int
        Bases, N runs apart, in pieces that are left out.

    Raises
    ------
    NoWindow
        When no piece is as long as a window.
    UserError
        When there is no other strand to show, or text is to be packed.
    """

    def __init__(
        self,
        genome: Genome,
        intervals: Sequence[Interval],
        length_bp: int,
        seed: int,
        rc_aug: bool,
        pack: bool = False,
    ) -> None:
        check_window(genome, length_bp, rc_aug)
        if pack and genome.alphabet.start_code < genome.alphabet.scored_codes:
            raise UserError(
                "data.pack_contigs puts N between contigs, which is never scored; text has no such "
                "byte, so leave it out"
            )
        self.genome = genome
        self.length_bp = length_bp
        self.rc_aug = rc_aug
        # N runs shorter than a window stay inside windows; their bases are not scored.
        holes = [run for run in genome.n_runs if run.length_bp >= length_bp]
        candidates = subtract(intervals, holes)
        self.pieces = [piece for piece in candidates if piece.length_bp >= length_bp]
        lengths = [piece.length_bp for piece in self.pieces]
        self._packed: PackedPieces | None = None
        if pack:
            short = [piece for piece in candidates if piece.length_bp < length_bp]
            packed = PackedPieces(genome, short)
            if packed.length_bp >= length_bp:
                self._packed = packed
                self.pieces += short
                lengths.append(packed.length_bp)
        if not lengths:
            longest = max((piece.length_bp for piece in candidates), default=0)
            raise NoWindow(
                f"a window of {length_bp:,} bp is longer than every training interval, the "
                f"longest of which has {longest:,} bp without N; lower data.max_length"
            )
        self.dropped_bp = total_bp(candidates) - total_bp(self.pieces)
        self._long = len(lengths) - (self._packed is not None)
        self._contigs = contig_numbers(genome.contigs, [piece.contig for piece in self.pieces])
        self._starts = np.array([piece.start for piece in self.pieces], dtype=np.int64)
        self._tiling = Tiling(np.array(lengths, dtype=np.int64), length_bp, seed)

    def first_sample(self, epoch: int) -> int:
        """Return the number of the first window of `epoch`, counted from 0."""
        return self._tiling.first_sample(epoch)

    def locate(self, samples: Int64) -> tuple[Places, Flips]:
        """Return where windows lie, and which are to be reverse-complemented."""
        pieces, within, flip = self._tiling.locate(samples)
        if not self.rc_aug:
            flip = np.zeros_like(flip)
        if self._packed is None:
            return self._one_piece_each(pieces, within), flip
        long, short = np.flatnonzero(pieces < self._long), np.flatnonzero(pieces >= self._long)
        whole = self._one_piece_each(pieces[long], within[long])
        parts = self._packed.locate(within[short], self.length_bp)
        return in_rows([whole, parts], [long, short]), flip

    def _one_piece_each(self, pieces: Int64, within: Int64) -> Places:
        starts = self._starts[pieces] + within
        return Places.one_a_row(self._contigs[pieces], starts, self.length_bp)


def check_window(genome: Genome, length_bp: int, rc_aug: bool) -> None:
    """Make sure that windows of a genome can be that long, and can be flipped if they are to be.

    Raises
    ------
    UserError
        When they can't.
    """
    if length_bp < 1:
        raise UserError(f"data.max_length is {length_bp}, but a window needs at least one base")
    if rc_aug and not genome.alphabet.complementable:
        raise UserError("data.rc_aug shows the other strand, which text has not; leave it out")


def in_rows(parts: Sequence[Places], rows: Sequence[Int64]) -> Places:
    """Join places to those of one batch.

    Parameters
    ----------
    parts : sequence of Places
        Each with rows of its own, from 0.
    rows : sequence of ndarray of int64
        For each part, the row of the batch that each of its rows becomes.
    """
    moved = [part._replace(rows=to[part.rows]) for part, to in zip(parts, rows, strict=True)]
    joined = [np.concatenate(columns) for columns in zip(*moved, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return Places(*(column[order] for column in joined))
