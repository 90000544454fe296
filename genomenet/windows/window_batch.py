"""A batch of windows as read from a genome, before it becomes tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

from genomenet.annotation.scored_genome import ScoredGenome
from genomenet.genome.alphabet import DNA, Alphabet
from genomenet.genome.contigs import Contig
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval
from genomenet.genome.places import Int64, Packed, Places
from genomenet.windows.batch_memory import Allocate, recycled

_COUNTED_BP = 1 << 16
"""Bases counted at once: what is in between stays in a core's cache."""


class RowContigs(Sequence[str]):
    """Name of the contig of each row, looked up when it is asked for: mostly nobody does.

    Parameters
    ----------
    contigs : sequence of Contig
        All of the genome.
    numbers : ndarray of int64, shape (B,)
        Which of them.
    """

    def __init__(self, contigs: Sequence[Contig], numbers: Int64) -> None:
        self._contigs = contigs
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, i: int) -> str: ...
    @overload
    def __getitem__(self, i: slice) -> "RowContigs": ...
    def __getitem__(self, i: int | slice) -> "str | RowContigs":
        if isinstance(i, slice):
            return RowContigs(self._contigs, self._numbers[i])
        return self._contigs[int(self._numbers[i])].name


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """Windows of a genome, as they are stored; see `genomenet.windows.batch` for model inputs.

    Attributes
    ----------
    packed : ndarray of uint8, shape (B, L)
        Code and soft mask in one byte, right-padded with the alphabet's start code, which is N for
        DNA; see `codes` and `masked`.
    lengths : ndarray of int64, shape (B,)
        Bases of each window without its padding at the right.
    flip : ndarray of bool, shape (B,)
        True where the window is to be reverse-complemented.
    contigs : sequence of str, length B
        Contig of each window; the first one of a window that packs several.
    starts, ends : ndarray of int64, shape (B,)
        Where on that contig the window begins and ends.
    scores : ndarray of float32, shape (B, L), optional
        Score of each base, nan at padding and where there is none; None for a genome without.
    alphabet : Alphabet
        What the codes mean.
    """

    packed: Packed
    lengths: Int64
    flip: npt.NDArray[np.bool_]
    contigs: Sequence[str]
    starts: Int64
    ends: Int64
    scores: npt.NDArray[np.float32] | None = None
    alphabet: Alphabet = DNA

    @property
    def codes(self) -> npt.NDArray[np.uint8]:
        """The codes, shape (B, L); made each time they are asked for."""
        return self.alphabet.codes(self.packed)

    @property
    def masked(self) -> npt.NDArray[np.bool_]:
        """Which bases are soft-masked, shape (B, L); made each time it is asked for."""
        return self.alphabet.masked(self.packed)

    def names(self) -> list[str]:
        """Name each window, as in ``chr20:1,000-2,024``, by its first contig."""
        rows = zip(self.contigs, self.starts.tolist(), self.ends.tolist(), strict=True)
        return [str(Interval(contig, start, end)) for contig, start, end in rows]

    def rows(self, first: int, last: int) -> "WindowBatch":
        """Return windows `first` to `last`, in the same memory."""
        return WindowBatch(
            self.packed[first:last],
            self.lengths[first:last],
            self.flip[first:last],
            self.contigs[first:last],
            self.starts[first:last],
            self.ends[first:last],
            None if self.scores is None else self.scores[first:last],
            self.alphabet,
        )

    def target_weight(self, soft_mask_weight: float) -> float:
        """Sum of the weights of all bases that can be targets.

        Parameters
        ----------
        soft_mask_weight : float
            Weight of the soft-masked ones; of the others it is 1.
        """
        unscored, flag = self.alphabet.unscored_bits, self.alphabet.soft_mask_flag
        weight = self.packed.size
        # Most batches hold no N, which is found out in a fraction of the time of counting.
        if np.bitwise_or.reduce(self.packed, axis=None) & np.uint8(unscored):
            weight = self._count(unscored, 0)
        if soft_mask_weight == 1:
            return float(weight)
        return float(weight - (1 - soft_mask_weight) * self._count(unscored | flag, flag))

    def _count(self, bits: int, wanted: int) -> int:
        """Count the bytes of which these bits are as wanted."""
        found, step = 0, max(1, _COUNTED_BP // self.packed.shape[1])
        for i in range(0, len(self.packed), step):
            some = self.packed[i : i + step] & np.uint8(bits)
            found += int(np.count_nonzero(some == np.uint8(wanted)))
        return found


def read_windows(
    genome: Genome,
    places: Places,
    flip: npt.NDArray[np.bool_],
    length_bp: int,
    allocate: Allocate = recycled,
) -> WindowBatch:
    """Read a batch of windows of `length_bp` columns, padded where no segment lies.

    Parameters
    ----------
    genome : Genome
        Where bases are read.
    places : Places
        The segments of each of the B windows.
    flip : ndarray of bool, shape (B,)
        Which windows are to be reverse-complemented on the device.
    length_bp : int
        Length of the windows.
    allocate : callable
        Gives the memory that is read into.
    """
    rows = len(flip)
    packed = allocate(rows * length_bp).reshape(rows, length_bp)
    whole = places.fill(rows, length_bp)
    if not whole:
        packed.fill(genome.alphabet.start_code)
    genome.read_into(places, packed)
    scores = None
    if isinstance(genome, ScoredGenome):
        scores = np.full(packed.shape, np.nan, dtype=np.float32)
        genome.read_scores_into(places, scores)
    first = places if whole else places.first_of_rows
    return WindowBatch(
        packed,
        places.lengths if whole else places.ends_in_rows,
        flip,
        RowContigs(genome.contigs, first.contigs),
        first.starts,
        first.starts + first.lengths,
        scores,
        genome.alphabet,
    )
