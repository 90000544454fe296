"""Find the long runs of N in a stream of codes."""

from bisect import bisect_right
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from genomenet.genome.alphabet import N_CODE
from genomenet.genome.contigs import Contig
from genomenet.genome.intervals import Interval

# Shorter runs are left inside windows, where their bases are simply not scored.
MIN_RUN_BP = 64
# Small steps keep the temporary arrays in the cache, and small where every other base is N.
_STEP_BP = 1 << 20


class NRunFinder:
    """Collects runs of at least `MIN_RUN_BP` N of concatenated contigs, block by block."""

    def __init__(self) -> None:
        self._runs: list[tuple[int, int]] = []
        self._position = 0
        self._open_start: int | None = None

    def feed(self, codes: npt.NDArray[np.uint8]) -> None:
        """Take in the next codes, shape (bases,)."""
        for start in range(0, codes.size, _STEP_BP):
            self._feed_step(codes[start : start + _STEP_BP])

    def pass_over(self, bases: int) -> None:
        """Take in as many bases, none of which is N."""
        self._close(self._position)
        self._position += bases

    def runs(self, contigs: Iterable[Contig]) -> tuple[Interval, ...]:
        """Return the runs in the codes so far, each within one of `contigs`.

        Parameters
        ----------
        contigs : iterable of Contig
            All of the concatenation, in its order.
        """
        contigs = tuple(contigs)
        offsets = [contig.offset for contig in contigs]
        last_runs = [] if self._open_start is None else [(self._open_start, self._position)]
        found = []
        for start, end in self._runs + last_runs:
            number = bisect_right(offsets, start) - 1
            # A run may go on across the border of two contigs, or of several.
            while number < len(contigs) and contigs[number].offset < end:
                contig = contigs[number]
                number += 1
                first = max(start - contig.offset, 0)
                last = min(end - contig.offset, contig.length_bp)
                if last - first >= MIN_RUN_BP:
                    found.append(Interval(contig.name, first, last))
        return tuple(found)

    def _feed_step(self, codes: npt.NDArray[np.uint8]) -> None:
        start, self._position = self._position, self._position + codes.size
        if codes.max() < N_CODE:
            self._close(start)
            return
        # Edges at i: N-ness differs between base i-1 and base i, the base before being the
        # last one of the step before.
        is_n = codes == N_CODE
        edges = np.flatnonzero(is_n[1:] != is_n[:-1]) + 1
        if bool(is_n[0]) != (self._open_start is not None):
            edges = np.concatenate([[0], edges])
        edges += start
        if self._open_start is not None and edges.size:
            self._close(int(edges[0]))
            edges = edges[1:]
        if edges.size % 2:
            self._open_start = int(edges[-1])
            edges = edges[:-1]
        runs = edges.reshape(-1, 2)
        long_runs = runs[runs[:, 1] - runs[:, 0] >= MIN_RUN_BP].tolist()
        self._runs.extend((first, last) for first, last in long_runs)

    def _close(self, end: int) -> None:
        if self._open_start is not None:
            if end - self._open_start >= MIN_RUN_BP:
                self._runs.append((self._open_start, end))
            self._open_start = None
