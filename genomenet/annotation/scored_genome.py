"""A genome together with an external score for every base."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genomenet.annotation.score_track import ScoreTrack
from genomenet.genome.alphabet import Alphabet
from genomenet.genome.base_counts import BaseCounts
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.contigs import Contig
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval
from genomenet.genome.packed_reading import PackedReading
from genomenet.genome.places import Packed, Places


class ScoredGenome(PackedReading):
    """A genome that also tells the scores of its bases; windows of it carry them along.

    Contigs, digest, N runs and bases are those of the genome within.

    Parameters
    ----------
    genome : Genome
        The bases.
    track : str or Path
        The scores; see `ScoreTrack`.
    names : ContigNames, optional
        What else the track may call the contigs; left out, what the rules allow.
    """

    def __init__(self, genome: Genome, track: str | Path, names: ContigNames | None = None) -> None:
        self.genome = genome
        self.track = ScoreTrack(track, genome.contigs, names)

    @property
    def alphabet(self) -> Alphabet:
        """What the codes mean."""
        return self.genome.alphabet

    @property
    def contigs(self) -> Sequence[Contig]:
        """The contigs, in file order."""
        return self.genome.contigs

    @property
    def length_bp(self) -> int:
        """Sum of the contigs' lengths."""
        return self.genome.length_bp

    @property
    def digest(self) -> str:
        """SHA-256 that names the bases and their mask; the scores have `track.fingerprint`."""
        return self.genome.digest

    @property
    def n_runs(self) -> tuple[Interval, ...]:
        """Runs of at least 64 N."""
        return self.genome.n_runs

    def read_packed(self, contig: str, start: int, end: int) -> Packed:
        """Return code and soft mask of bases in one byte each, shape (end - start,)."""
        return self.genome.read_packed(contig, start, end)

    def count_bases(self, contig: str, start: int, end: int) -> BaseCounts:
        """Count bases `start` to `end` of `contig`."""
        return self.genome.count_bases(contig, start, end)

    def read_into(self, places: Places, packed_BL: Packed) -> None:
        """Copy segments into a batch; see `genomenet.genome.places.copy_segments`."""
        self.genome.read_into(places, packed_BL)

    def read_scores_into(self, places: Places, scores_BL: npt.NDArray[np.float32]) -> None:
        """Copy the scores of segments into a batch, shape (B, L); nan where there is none."""
        for row, column, number, start, bases in zip(*(x.tolist() for x in places), strict=True):
            scores = self.track.read(self.contigs[number].name, start, start + bases)
            scores_BL[row, column : column + bases] = scores
