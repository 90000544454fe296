"""A batch of windows as read from a genome, before it becomes tensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genomenet.genome.alphabet import DNA, Alphabet
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval
from genomenet.genome.scored_genome import ScoredGenome

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """Windows of a genome, as they are stored; see `genomenet.genome.batch` for model inputs.

    Attributes
    ----------
    codes : ndarray of uint8, shape (B, L)
        Right-padded with the alphabet's start code, which is N for DNA.
    masked : ndarray of bool, shape (B, L)
        True where soft-masked.
    lengths : ndarray of int64, shape (B,)
        Bases of each window without its padding.
    flip : ndarray of bool, shape (B,)
        True where the window is to be reverse-complemented.
    contigs : tuple of str, length B
        Contig of each window.
    starts : ndarray of int64, shape (B,)
        First base of each window on its contig.
    scores : ndarray of float32, shape (B, L), optional
        Score of each base, nan at padding and where there is none; None for a genome without.
    alphabet : Alphabet
        What the codes mean.
    """

    codes: npt.NDArray[np.uint8]
    masked: npt.NDArray[np.bool_]
    lengths: Int64
    flip: npt.NDArray[np.bool_]
    contigs: tuple[str, ...]
    starts: Int64
    scores: npt.NDArray[np.float32] | None = None
    alphabet: Alphabet = DNA

    def names(self) -> list[str]:
        """Name each window, as in ``chr20:1,000-2,024``."""
        rows = zip(self.contigs, self.starts.tolist(), self.lengths.tolist(), strict=True)
        return [str(Interval(contig, start, start + bases)) for contig, start, bases in rows]


def read_windows(
    genome: Genome,
    contigs: Sequence[str],
    starts: Int64,
    lengths: Int64,
    flip: npt.NDArray[np.bool_],
    length_bp: int,
) -> WindowBatch:
    """Read windows of up to `length_bp` bases into one batch, the short ones padded."""
    codes = np.full((len(contigs), length_bp), genome.alphabet.start_code, dtype=np.uint8)
    masked = np.zeros((len(contigs), length_bp), dtype=np.bool_)
    scores = None
    if isinstance(genome, ScoredGenome):
        scores = np.full((len(contigs), length_bp), np.nan, dtype=np.float32)
    rows = zip(contigs, starts.tolist(), lengths.tolist(), strict=True)
    for row, (contig, start, bases) in enumerate(rows):
        codes[row, :bases] = genome.read(contig, start, start + bases)
        masked[row, :bases] = genome.read_mask(contig, start, start + bases)
        if scores is not None and isinstance(genome, ScoredGenome):
            scores[row, :bases] = genome.read_scores(contig, start, start + bases)
    return WindowBatch(
        codes, masked, lengths, flip, tuple(contigs), starts, scores, genome.alphabet
    )
