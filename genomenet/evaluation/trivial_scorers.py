"""Models without a network as scorers of sequences: Markov models of DNA, composition of text."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genomenet.genome.genome import Genome
from genomenet.genome.intervals import spread_windows
from genomenet.genome.markov import STRENGTH_BP, MarkovModel, distributions, fit
from genomenet.training.config import DataConfig
from genomenet.windows.splits import Splits

Codes = npt.NDArray[np.uint8]
Nats = npt.NDArray[np.float64]

_READ_BYTES = 4 << 20


class MarkovScorer:
    """Nats of every base under the longest context of a Markov model; 0 for N.

    Parameters
    ----------
    model : MarkovModel
        Fitted on training bases.
    """

    def __init__(self, model: MarkovModel) -> None:
        self._model = model

    def __call__(self, sequences: Sequence[Codes], masks: object = None) -> list[Nats]:
        """Score each sequence from its first base on."""
        return [self._score(codes) for codes in sequences]

    def _score(self, codes: Codes) -> Nats:
        nats = np.zeros(codes.size)
        if not codes.size:
            return nats
        *_, p = distributions(codes, self._model)  # the last one has the longest contexts
        at = np.flatnonzero(codes < 4)
        nats[at] = -np.log(p[at, codes[at]])
        return nats


class CompositionScorer:
    """Nats of every byte by how often it comes in training text, whatever stands before it.

    Parameters
    ----------
    counts : ndarray of int64, shape (256,)
        Of the training split; each byte is counted once more.
    """

    def __init__(self, counts: npt.NDArray[np.int64]) -> None:
        self._nats = -np.log((counts + 1) / (counts.sum() + counts.size))

    def __call__(self, sequences: Sequence[Codes], masks: object = None) -> list[Nats]:
        """Score each sequence."""
        return [self._nats[codes] for codes in sequences]


def markov_scorer(genome: Genome, splits: Splits, data: DataConfig, order: int) -> MarkovScorer:
    """Fit a Markov model as the trivial rows of a study are: training counts, validated back-off.

    Parameters
    ----------
    genome, splits : Genome, Splits
        Of a run.
    data : DataConfig
        Of the run: both strands are counted where it trained on both.
    order : int
        Longest context in bases.

    Raises
    ------
    UserError
        When the training or the validation split is empty.
    """
    thinned = spread_windows(splits.require("valid"), data.max_length, STRENGTH_BP)
    return MarkovScorer(fit(genome, splits.require("train"), thinned, order, data.rc_aug))


def composition_scorer(genome: Genome, splits: Splits) -> CompositionScorer:
    """Count the bytes of the training split of a text.

    Raises
    ------
    UserError
        When the training split is empty.
    """
    counts = np.zeros(256, dtype=np.int64)
    for whole in splits.require("train"):
        for start in range(whole.start, whole.end, _READ_BYTES):
            end = min(start + _READ_BYTES, whole.end)
            counts += np.bincount(genome.read(whole.contig, start, end), minlength=256)
    return CompositionScorer(counts)
