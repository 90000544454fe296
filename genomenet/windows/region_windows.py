"""Windows drawn more or less often by the annotation of the bases they hold."""

from collections.abc import Mapping

import numpy as np

from genomenet.annotation.regions import RegionTrack
from genomenet.errors import UserError
from genomenet.genome.permutation import mix
from genomenet.genome.places import Int64, Places
from genomenet.windows.training_windows import Flips, Windows, in_rows

_CANDIDATE, _ACCEPT = 5, 6  # after the draws of `tiling` and `mixture`
_MOST_CANDIDATES = 10_000


class RegionWindows(Windows):
    """Windows in proportion to the mean weight of their bases, drawn with replacement.

    For every sample candidates are drawn from the epoch of the underlying windows that it would
    belong to, and the first one that a coin with the probability (mean weight / largest weight)
    lets pass is taken. Nothing of the genome is read before, whatever its size.

    Parameters
    ----------
    windows : Windows
        What candidates are drawn from.
    regions : RegionTrack
        The class of every base.
    weights : mapping of str to float
        Weight of the bases of a class; 1 for classes that are not named.
    seed : int
        Of candidates and coins.

    Raises
    ------
    UserError
        A class that the track doesn't have, a negative weight, or nothing but zeros.
    """

    def __init__(
        self, windows: Windows, regions: RegionTrack, weights: Mapping[str, float], seed: int
    ) -> None:
        self.genome = windows.genome
        self.length_bp = windows.length_bp
        self.dropped_bp = windows.dropped_bp
        self.windows = windows
        self.regions = regions
        self.seed = seed
        self._weights = regions.weights_of(weights)
        self._most = float(self._weights.max())
        self._epoch = windows.first_sample(1)

    def first_sample(self, epoch: int) -> int:
        """Return the number of the first window of `epoch`: as many as without weights."""
        return epoch * self._epoch

    def locate(self, samples: Int64) -> tuple[Places, Flips]:
        """Return where windows lie, and which are to be reverse-complemented."""
        flip = np.zeros(samples.shape, dtype=np.bool_)
        found, rows_of = [], []
        waiting = np.arange(samples.size)
        for attempt in range(_MOST_CANDIDATES):
            sample = samples[waiting]
            draw = mix(self.seed, _CANDIDATE, sample, attempt) % np.uint64(self._epoch)
            candidate = sample // self._epoch * self._epoch + draw.astype(np.int64)
            places, flips = self.windows.locate(candidate)
            coin = mix(self.seed, _ACCEPT, sample, attempt) / np.float64(2**64)
            passed = coin * self._most < self._mean_weights(places, waiting.size)
            flip[waiting[passed]] = flips[passed]
            # Rows of those that passed keep their numbers; `rows_of` moves them to the batch.
            kept = passed[places.rows]
            found.append(Places(*(column[kept] for column in places)))
            rows_of.append(waiting)
            waiting = waiting[~passed]
            if not waiting.size:
                return in_rows(found, rows_of), flip
        raise UserError(
            f"none of {_MOST_CANDIDATES:,} windows holds bases that data.region_weights leaves a "
            "weight; raise the weights of more common classes"
        )

    def _mean_weights(self, places: Places, rows: int) -> np.ndarray:
        """Mean weight of the bases of each row, shape (rows,)."""
        summed, bases = np.zeros(rows), np.zeros(rows)
        contigs = self.genome.contigs
        for row, _, contig, start, length in zip(*(c.tolist() for c in places), strict=True):
            codes = self.regions.read(contigs[contig].name, start, start + length)
            counts = np.bincount(codes, minlength=len(self._weights))
            summed[row] += counts @ self._weights
            bases[row] += length
        return summed / np.maximum(bases, 1)
