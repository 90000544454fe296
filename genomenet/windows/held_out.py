"""Tiles of held-out intervals: each base exactly once, the same ones every time."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from genomenet.errors import UserError
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval, merge
from genomenet.genome.places import Int64, Places, contig_numbers
from genomenet.windows.batch_memory import Allocate, recycled
from genomenet.windows.window_batch import WindowBatch, read_windows


class HeldOutTiles:
    """Consecutive windows from the start of each held-out interval, the last one shorter.

    Tiles wholly inside a long N run are skipped, for they have nothing to score.

    Parameters
    ----------
    genome : Genome
        Where bases are read.
    intervals : sequence of Interval
        What is held out; merged first, so that no base comes twice.
    length_bp : int
        Length of a window.
    limit : int, optional
        Keep only so many tiles, spread evenly.

    Attributes
    ----------
    n_only_tiles : int
        Tiles skipped because they hold only N.

    Raises
    ------
    UserError
        When there is nothing to tile but N.
    """

    def __init__(
        self,
        genome: Genome,
        intervals: Sequence[Interval],
        length_bp: int,
        limit: int | None = None,
    ) -> None:
        if length_bp < 1:
            raise UserError(f"a held-out window has {length_bp} bp, but it needs at least one base")
        if limit is not None and limit < 1:
            raise UserError(f"the limit of held-out windows is {limit}, but it must be at least 1")
        self.genome = genome
        self.length_bp = length_bp
        # A segment is a stretch of consecutive tiles that are kept.
        self._contigs: list[str] = []
        starts, ends, counts = [], [], []
        tiles = 0
        runs = _runs_by_contig(genome)
        for interval in merge(intervals):
            total = -(-interval.length_bp // length_bp)
            tiles += total
            for first, last in _kept(interval, total, runs.get(interval.contig, []), length_bp):
                self._contigs.append(interval.contig)
                starts.append(interval.start + first * length_bp)
                ends.append(min(interval.start + last * length_bp, interval.end))
                counts.append(last - first)
        self._numbers = contig_numbers(genome.contigs, self._contigs)
        self._starts = np.array(starts, dtype=np.int64)
        self._ends = np.array(ends, dtype=np.int64)
        self._first_tiles = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._all_tiles = int(self._first_tiles[-1])
        self.n_only_tiles = tiles - self._all_tiles
        if not self._all_tiles:
            raise UserError("the held-out intervals hold no base but N; choose others")
        self._length = self._all_tiles if limit is None else min(limit, self._all_tiles)

    def __len__(self) -> int:
        return self._length

    def interval(self, i: int) -> Interval:
        """Return the bases of tile `i`.

        Raises
        ------
        IndexError
            When there are not so many tiles.
        """
        segment, start, end = self._locate(np.array([i], dtype=np.int64))
        return Interval(self._contigs[int(segment[0])], int(start[0]), int(end[0]))

    def batch(self, first: int, count: int, allocate: Allocate = recycled) -> WindowBatch:
        """Read tiles ``first`` to ``first + count``, or as many of these as there are.

        `allocate` gives the memory that is read into.
        """
        tiles = np.arange(first, min(first + count, len(self)), dtype=np.int64)
        segment, starts, ends = self._locate(tiles)
        places = Places.one_a_row(self._numbers[segment], starts, ends - starts)
        flip = np.zeros(len(tiles), dtype=np.bool_)
        return read_windows(self.genome, places, flip, self.length_bp, allocate)

    def _locate(self, tiles: Int64) -> tuple[Int64, Int64, Int64]:
        if tiles.size and not (tiles.min() >= 0 and tiles.max() < len(self)):
            raise IndexError(f"there are {len(self)} tiles")
        # The middle of each of `len(self)` equal shares of all tiles; the identity without limit.
        tiles = (2 * tiles + 1) * self._all_tiles // (2 * len(self))
        segment = np.searchsorted(self._first_tiles, tiles, side="right") - 1
        starts = self._starts[segment] + (tiles - self._first_tiles[segment]) * self.length_bp
        return segment, starts, np.minimum(starts + self.length_bp, self._ends[segment])


def _runs_by_contig(genome: Genome) -> dict[str, list[Interval]]:
    runs: dict[str, list[Interval]] = {}
    for run in merge(genome.n_runs):
        runs.setdefault(run.contig, []).append(run)
    return runs


def _kept(
    interval: Interval, total: int, runs: list[Interval], length_bp: int
) -> list[tuple[int, int]]:
    """Ranges of the interval's tile numbers that are not wholly inside one of `runs`."""
    kept = []
    next_tile = 0
    i = bisect_left(runs, interval.start, key=lambda run: run.end)
    for run in runs[i:]:
        if run.start >= interval.end:
            break
        first = max(0, -(-(run.start - interval.start) // length_bp))
        last = total if run.end >= interval.end else (run.end - interval.start) // length_bp
        if first < last:
            kept.append((next_tile, first))
            next_tile = last
    kept.append((next_tile, total))
    return [(first, last) for first, last in kept if first < last]
