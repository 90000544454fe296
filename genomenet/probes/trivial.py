"""What can be read off a sequence without any model: k-mer counts, GC and length."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genomenet.probes.task import Codes


def kmer_counts(sequences: Sequence[Codes], k: int = 4) -> npt.NDArray[np.float32]:
    """Count the k-mers of each sequence; those with N are left out.

    Parameters
    ----------
    sequences : sequence of ndarray of uint8
        Codes.
    k : int
        Length of a word.

    Returns
    -------
    ndarray of float32, shape (sequences, 4 ** k)
        Counts, so that they tell the length too. Words in alphabetical order.
    """
    counts = np.zeros((len(sequences), 4**k), dtype=np.float32)
    for row, codes in enumerate(sequences):
        if len(codes) >= k:
            words = np.lib.stride_tricks.sliding_window_view(codes.astype(np.int64), k)
            known = words[(words < 4).all(1)]
            counts[row] = np.bincount(known @ 4 ** np.arange(k - 1, -1, -1), minlength=4**k)
    return counts


def gc_and_length(sequences: Sequence[Codes]) -> npt.NDArray[np.float32]:
    """Share of G and C among known bases (a half where there is none), and log of the length.

    Returns
    -------
    ndarray of float32, shape (sequences, 2)
    """
    found = np.empty((len(sequences), 2), dtype=np.float32)
    for row, codes in enumerate(sequences):
        known = int((codes < 4).sum())
        gc = int(((codes == 1) | (codes == 2)).sum())
        found[row] = (gc / known if known else 0.5), np.log(len(codes))
    return found
