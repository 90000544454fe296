"""Add up nats and bases by class of base and by repeat."""

import numpy as np
import numpy.typing as npt

from genomenet.annotation.region_classes import CLASS_BITS, REPEAT
from genomenet.annotation.regions import RegionTrack
from genomenet.evaluation.results import RegionLikelihood
from genomenet.windows.window_batch import WindowBatch

_CLASSES = CLASS_BITS + 1


class RegionSums:
    """Sums over windows that lie on the genome's own strand, as held-out windows do.

    Parameters
    ----------
    regions : RegionTrack
        Classes of the genome's bases.
    """

    def __init__(self, regions: RegionTrack) -> None:
        self._regions = regions
        self._nats = np.zeros((2, _CLASSES))
        self._bases = np.zeros((2, _CLASSES), dtype=np.int64)

    def add(
        self,
        windows: WindowBatch,
        nats_BL: npt.NDArray[np.float64],
        scored_BL: npt.NDArray[np.bool_],
    ) -> None:
        """Take in a batch.

        Parameters
        ----------
        windows : WindowBatch
            Where the bases lie, one stretch a window.
        nats_BL : ndarray of float64, shape (B, L)
            What each base cost.
        scored_BL : ndarray of bool, shape (B, L)
            Which bases count.
        """
        places = zip(
            windows.contigs, windows.starts.tolist(), windows.lengths.tolist(), strict=True
        )
        for row, (contig, start, bases) in enumerate(places):
            kept = scored_BL[row, :bases]
            stored = self._regions.read_bytes(contig, start, start + bases)[kept]
            # The class, and behind all classes the same ones for repeats.
            group = (stored & CLASS_BITS) + _CLASSES * (stored >= REPEAT).astype(np.intp)
            size, nats = 2 * _CLASSES, nats_BL[row, :bases][kept]
            self._nats += np.bincount(group, nats, size).reshape(2, _CLASSES)
            self._bases += np.bincount(group, minlength=size).reshape(2, _CLASSES)

    def likelihoods(self) -> tuple[RegionLikelihood, ...]:
        """The sums of every class, in the order of the track's classes."""
        return tuple(
            RegionLikelihood(
                name=name,
                nats=float(self._nats[:, code].sum()),
                bases=int(self._bases[:, code].sum()),
                repeat_nats=float(self._nats[1, code]),
                repeat_bases=int(self._bases[1, code]),
            )
            for code, name in enumerate(self._regions.classes)
        )
