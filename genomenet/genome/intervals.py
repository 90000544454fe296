"""Intervals on contigs: merging, subtracting, measuring overlap, and reading them from BED."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.genome.opening import text_lines


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Bases ``start`` (included) to ``end`` (excluded) of a contig, counted from 0.

    Attributes
    ----------
    contig : str
        Name of the contig.
    start, end : int
        Half-open range in bases.
    """

    contig: str
    start: int
    end: int

    @property
    def length_bp(self) -> int:
        """Number of bases."""
        return self.end - self.start

    def __str__(self) -> str:
        return f"{self.contig}:{self.start:,}-{self.end:,}"


class BedLine(NamedTuple):
    """One line of a BED file: its number (from 1), its interval, its name column or None.

    `strand` is "+" or "-" when the sixth column is one of these, and "." otherwise.
    """

    line: int
    interval: Interval
    name: str | None
    strand: str = "."


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Sort by contig name and start, and join intervals that overlap or touch; drop empty ones."""
    merged: list[Interval] = []
    contig, start, end = "", 0, 0
    # By a key, which is several times faster than comparing the intervals themselves.
    for piece in sorted(intervals, key=lambda piece: (piece.contig, piece.start)):
        if piece.end <= piece.start:
            continue
        if end and piece.contig == contig and piece.start <= end:
            end = max(end, piece.end)
            continue
        if end:
            merged.append(Interval(contig, start, end))
        contig, start, end = piece.contig, piece.start, piece.end
    if end:
        merged.append(Interval(contig, start, end))
    return merged


def subtract(intervals: Iterable[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """Return what is left of `intervals` (merged, sorted) outside `holes`."""
    by_contig: dict[str, list[Interval]] = {}
    for hole in merge(holes):
        by_contig.setdefault(hole.contig, []).append(hole)
    left: list[Interval] = []
    next_hole = dict.fromkeys(by_contig, 0)
    for piece in merge(intervals):
        contig, start = piece.contig, piece.start
        contig_holes = by_contig.get(contig, [])
        # Pieces come in order, so a hole that ends before one piece is done with for good.
        i = next_hole.get(contig, 0)
        while i < len(contig_holes) and contig_holes[i].start < piece.end:
            hole = contig_holes[i]
            if hole.end > start:
                if hole.start > start:
                    left.append(Interval(contig, start, hole.start))
                start = hole.end
            if hole.end > piece.end:
                break
            i += 1
        if contig_holes:
            next_hole[contig] = i
        if start < piece.end:
            left.append(Interval(contig, start, piece.end))
    return left


def overlaps_bp(
    intervals: Sequence[Interval], features: Iterable[Interval]
) -> npt.NDArray[np.int64]:
    """Count, for each interval, its bases covered by any of `features`.

    Parameters
    ----------
    intervals : sequence of Interval
        Queries, in any order, may overlap each other.
    features : iterable of Interval
        Merged before counting, so a base covered twice counts once.

    Returns
    -------
    ndarray of int64, shape (intervals,)
        Covered bases of each query.
    """
    by_contig: dict[str, list[Interval]] = {}
    for feature in merge(features):
        by_contig.setdefault(feature.contig, []).append(feature)
    covered = np.zeros(len(intervals), dtype=np.int64)
    queries: dict[str, list[int]] = {}
    for i, interval in enumerate(intervals):
        if interval.contig in by_contig:
            queries.setdefault(interval.contig, []).append(i)
    for contig, rows in queries.items():
        starts = np.array([f.start for f in by_contig[contig]], dtype=np.int64)
        ends = np.array([f.end for f in by_contig[contig]], dtype=np.int64)
        before = np.concatenate([[0], np.cumsum(ends - starts)])

        def covered_left_of(
            position: npt.NDArray[np.int64],
            starts: npt.NDArray[np.int64] = starts,
            ends: npt.NDArray[np.int64] = ends,
            before: npt.NDArray[np.int64] = before,
        ) -> npt.NDArray[np.int64]:
            i = np.searchsorted(starts, position, side="right")
            last_end = np.where(i > 0, ends[i - 1], 0)
            return before[i] - np.maximum(last_end - position, 0)

        low = np.array([intervals[i].start for i in rows], dtype=np.int64)
        high = np.array([intervals[i].end for i in rows], dtype=np.int64)
        covered[rows] = covered_left_of(high) - covered_left_of(low)
    return covered


def overlap_bp(first: Iterable[Interval], second: Iterable[Interval]) -> int:
    """Count the bases that lie both in `first` and in `second`, each base once."""
    return int(overlaps_bp(merge(first), second).sum())


def total_bp(intervals: Iterable[Interval]) -> int:
    """Count the bases covered by `intervals`, each base once."""
    return sum(piece.length_bp for piece in merge(intervals))


def bed_lines(path: str | Path) -> Iterator[BedLine]:
    """Stream the intervals of a BED file (plain or gzip) with their line numbers.

    Raises
    ------
    UserError
        With file and line: fewer than three columns, a position that is no whole number, a
        negative start, or a start not below the end.
    """
    for number, line in text_lines(path):
        if not line.strip() or line.startswith(("#", "track", "browser")):
            continue
        columns = line.split("\t") if "\t" in line else line.split()
        where = f"{path}: line {number}"
        if len(columns) < 3:
            raise UserError(
                f"{where}: BED needs at least the three columns contig, start and end, "
                f"but the line is {line.strip()[:60]!r}"
            )
        try:
            start, end = int(columns[1]), int(columns[2])
        except ValueError:
            raise UserError(
                f"{where}: start and end must be whole numbers of bases, "
                f"not {columns[1]!r} and {columns[2]!r}"
            ) from None
        if start < 0:
            raise UserError(f"{where}: start {start} is negative; BED counts from 0")
        if start >= end:
            raise UserError(f"{where}: start {start} must be below end {end} (BED is half-open)")
        name = columns[3].strip() if len(columns) > 3 else ""
        # Files that end after the name go on with whatever they like, so others are no mistake.
        strand = columns[5].strip() if len(columns) > 5 else "."
        strand = strand if strand in ("+", "-") else "."
        yield BedLine(number, Interval(columns[0].strip(), start, end), name or None, strand)


def spread_windows(intervals: Iterable[Interval], window_bp: int, bases: int) -> list[Interval]:
    """Cut intervals into windows and keep every n-th, so that about `bases` bases remain."""
    windows = [
        Interval(whole.contig, start, min(whole.end, start + window_bp))
        for whole in intervals
        for start in range(whole.start, whole.end, window_bp)
    ]
    total = sum(window.length_bp for window in windows)
    return windows[:: max(1, round(total / bases))]
