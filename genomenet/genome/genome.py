"""What every genome offers, and how to open one from a path."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.genome.alphabet import Alphabet
from genomenet.genome.base_counts import BaseCounts
from genomenet.genome.contigs import Contig
from genomenet.genome.corpus import GenomeCorpus
from genomenet.genome.corpus_record import is_corpus
from genomenet.genome.indexed_fasta import IndexedFasta
from genomenet.genome.intervals import Interval
from genomenet.genome.places import Packed, Places
from genomenet.genome.store import GenomeStore


class Genome(Protocol):
    """Reading access to the bases of a genome; see `GenomeStore` for what each member means."""

    @property
    def alphabet(self) -> Alphabet:
        """What the codes mean."""

    @property
    def contigs(self) -> Sequence[Contig]:
        """The contigs, in file order."""

    @property
    def length_bp(self) -> int:
        """Sum of the contigs' lengths."""

    @property
    def digest(self) -> str:
        """SHA-256 that names the content."""

    @property
    def n_runs(self) -> tuple[Interval, ...]:
        """Runs of at least 64 N."""

    def read(self, contig: str, start: int, end: int) -> npt.NDArray[np.uint8]:
        """Return codes, shape (end - start,)."""

    def read_mask(self, contig: str, start: int, end: int) -> npt.NDArray[np.bool_]:
        """Return the soft mask, shape (end - start,)."""

    def read_packed(self, contig: str, start: int, end: int) -> Packed:
        """Return code and soft mask of bases in one byte each, shape (end - start,)."""

    def read_into(self, places: Places, packed_BL: Packed) -> None:
        """Copy segments into a batch; see `genomenet.genome.places.copy_segments`."""

    def count_bases(self, contig: str, start: int, end: int) -> BaseCounts:
        """Count all, called, and soft-masked bases."""


def open_genome(path: str | Path) -> Genome:
    """Open an imported genome or a corpus (a folder), or an indexed FASTA (a file).

    Raises
    ------
    UserError
        When nothing is there, or it is neither.
    """
    path = Path(path)
    if is_corpus(path):
        return GenomeCorpus(path)
    if path.is_dir():
        return GenomeStore(path)
    if path.is_file():
        return IndexedFasta(path)
    raise UserError(
        f"{path} does not exist; give the folder of an imported genome, or a FASTA file"
    )


def whole_contigs(genome: Genome) -> list[Interval]:
    """Return one interval for each contig, from end to end, in file order."""
    return [Interval(contig.name, 0, contig.length_bp) for contig in genome.contigs]
