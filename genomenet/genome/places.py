"""Where the bases of a batch come from, and the slow way of copying them from any genome."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from genomenet.genome.contigs import Contig
from genomenet.genome.corpus_contigs import CorpusContigs

Int64 = npt.NDArray[np.int64]
Packed = npt.NDArray[np.uint8]


class Places(NamedTuple):
    """Segments of contigs, each for one row of a batch.

    A row has one segment, or several when short contigs are packed into it. What no segment
    covers is padding.

    Attributes
    ----------
    rows : ndarray of int64, shape (S,)
        Row of each segment, non-decreasing; every row of the batch has at least one.
    columns : ndarray of int64, shape (S,)
        First column of each segment, increasing within a row.
    contigs : ndarray of int64, shape (S,)
        Number of its contig in ``genome.contigs``.
    starts : ndarray of int64, shape (S,)
        First base on the contig.
    lengths : ndarray of int64, shape (S,)
        Bases.
    """

    rows: Int64
    columns: Int64
    contigs: Int64
    starts: Int64
    lengths: Int64

    @classmethod
    def one_a_row(cls, contigs: Int64, starts: Int64, lengths: Int64 | int) -> "Places":
        """Return one segment for each row, from its first column on."""
        rows = np.arange(len(contigs), dtype=np.int64)
        return cls(
            rows,
            np.zeros_like(rows),
            contigs,
            starts,
            np.full_like(rows, lengths) if isinstance(lengths, int) else lengths,
        )

    def of_rows(self, first: int, last: int) -> "Places":
        """Return the segments of rows `first` to `last`, which become rows from 0 on."""
        begin, end = self.rows.searchsorted((first, last)).tolist()
        rows, columns, contigs, starts, lengths = self
        return Places(
            rows[begin:end] - first,
            columns[begin:end],
            contigs[begin:end],
            starts[begin:end],
            lengths[begin:end],
        )

    def of_chosen_rows(self, chosen: npt.NDArray[np.bool_]) -> "Places":
        """Return the segments of the rows where `chosen` is true, numbered anew from 0 on."""
        keep = chosen[self.rows]
        number = np.cumsum(chosen) - 1
        rows, columns, contigs, starts, lengths = (field[keep] for field in self)
        return Places(number[rows], columns, contigs, starts, lengths)

    def fill(self, rows: int, length_bp: int) -> bool:
        """Whether each of `rows` rows is one segment of `length_bp`, so that nothing is padding."""
        return len(self.rows) == rows and (not rows or int(self.lengths.min()) == length_bp)

    def check(self, lengths_bp: Int64, genome: str) -> None:
        """Make sure that all segments are inside their contigs.

        Parameters
        ----------
        lengths_bp : ndarray of int64, shape (contigs,)
            Of the genome's contigs.
        genome : str
            What to call the genome.

        Raises
        ------
        IndexError
            When one is not: whoever made the places has counted wrongly.
        """
        inside = (self.starts >= 0) & (self.starts + self.lengths <= lengths_bp[self.contigs])
        if not inside.all():
            first = int(np.argmin(inside))
            contig, start = int(self.contigs[first]), int(self.starts[first])
            raise IndexError(
                f"{genome}: {self.lengths[first]} bases from {start} on leave contig {contig}"
            )

    @property
    def ends_in_rows(self) -> Int64:
        """Column behind the last segment of each row, shape (B,)."""
        last = np.append(self.rows[1:] != self.rows[:-1], True)[: len(self.rows)]
        return (self.columns + self.lengths)[last]

    @property
    def first_of_rows(self) -> "Places":
        """The first segment of each row."""
        first = np.append(True, self.rows[1:] != self.rows[:-1])[: len(self.rows)]
        return Places(*(column[first] for column in self))


class Readable(Protocol):
    """What copying a segment needs of a genome."""

    @property
    def contigs(self) -> Sequence[Contig]:
        """The contigs, in file order."""

    def read_packed(self, contig: str, start: int, end: int) -> Packed:
        """Return code and soft mask of bases in one byte each, shape (end - start,)."""


def contig_numbers(contigs: Sequence[Contig], names: Sequence[str]) -> Int64:
    """Return the number of the contig of each name, shape (names,).

    Raises
    ------
    KeyError, UserError
        When a name is no contig's.
    """
    if isinstance(contigs, CorpusContigs):
        return contigs.numbers(names)
    number = {contig.name: i for i, contig in enumerate(contigs)}
    return np.array([number[name] for name in names], dtype=np.int64)


def copy_segments(genome: Readable, places: Places, packed_BL: Packed) -> None:
    """Copy the bases of `places` into a batch, one read a segment; padding is left as it is.

    Parameters
    ----------
    genome : Readable
        Where bases are read.
    places : Places
        From where, and to where.
    packed_BL : ndarray of uint8, shape (B, L)
        Written into: code and soft mask in one byte.
    """
    contigs = genome.contigs
    for row, column, number, start, bases in zip(*(x.tolist() for x in places), strict=True):
        read = genome.read_packed(contigs[number].name, start, start + bases)
        packed_BL[row, column : column + bases] = read
