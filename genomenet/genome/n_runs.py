"""Find the long runs of N in a stream of codes."""

import numpy as np
import numpy.typing as npt

from genomenet.genome.alphabet import N_CODE
from genomenet.genome.intervals import Interval

# Shorter runs are left inside windows, where their bases are simply not scored.
MIN_RUN_BP = 64
# Small steps keep the temporary arrays in the cache, and small where every other base is N.
_STEP_BP = 1 << 20


class NRunFinder:
    """Collects runs of at least `MIN_RUN_BP` N of one contig after another, block by block.

    Attributes
    ----------
    runs : list of Interval
        Runs found in the contigs finished so far.
    """

    def __init__(self) -> None:
        self.runs: list[Interval] = []
        self._contig = ""
        self._position = 0
        self._open_start: int | None = None

    def begin(self, contig: str) -> None:
        """Finish the contig before, and start with the first base of `contig`."""
        self.finish()
        self._contig = contig
        self._position = 0

    def feed(self, codes: npt.NDArray[np.uint8]) -> None:
        """Take in the next codes of the contig, shape (bases,)."""
        for start in range(0, codes.size, _STEP_BP):
            self._feed_step(codes[start : start + _STEP_BP])

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
        self.runs.extend(Interval(self._contig, first, last) for first, last in long_runs)

    def finish(self) -> None:
        """Close a run that reaches the end of the contig."""
        self._close(self._position)

    def _close(self, end: int) -> None:
        if self._open_start is not None:
            if end - self._open_start >= MIN_RUN_BP:
                self.runs.append(Interval(self._contig, self._open_start, end))
            self._open_start = None
