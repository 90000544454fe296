"""A corpus: many genomes in one store, whose contigs are called member/contig."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.genome.alphabet import DNA, Alphabet
from genomenet.genome.base_counts import BaseCounts, count_from_blocks
from genomenet.genome.contig_columns import ContigColumns
from genomenet.genome.corpus_contigs import CorpusContigs
from genomenet.genome.corpus_record import SHARDS_FOLDER, read_record
from genomenet.genome.intervals import Interval
from genomenet.genome.packed_reading import PackedReading
from genomenet.genome.places import Int64, Packed, Places
from genomenet.genome.shard_maps import ShardMaps


@dataclass(frozen=True, slots=True)
class Member:
    """One genome of a corpus.

    Attributes
    ----------
    name, species : str
        Its own name, and that of its species.
    weight : float
        Of its species.
    first_contig, contigs : int
        Number of its first contig in the corpus, and how many there are.
    length_bp : int
        Sum of their lengths.
    digest : str
        SHA-256 over names, lengths, codes and soft mask of its contigs.
    """

    name: str
    species: str
    weight: float
    first_contig: int
    contigs: int
    length_bp: int
    digest: str


class GenomeCorpus(PackedReading):
    """Many imported genomes, opened for reading as one.

    Opening maps two tables and reads the list of members; everything else is mapped when it is
    asked for, so that workers and ranks on a machine share one copy. Pickling carries the path
    (and the digest, to notice that a corpus has changed in between); forking is safe.

    Parameters
    ----------
    path : str or Path
        Folder written by `genomenet.genome.corpus_writer.build_corpus`.

    Attributes
    ----------
    path : Path
        The folder.
    members : tuple of Member
        Sorted by name.
    contigs : CorpusContigs
        Those of one member after the other; made as they are asked for.
    species : tuple of str
        Sorted.
    species_weights : dict of str to float
        For all species; 1 where the manifest has none.
    length_bp : int
        Sum of the contigs' lengths, N included.
    digest : str
        SHA-256 over what sampling depends on: names, species, weights and bases of the members,
        however they came in.

    Raises
    ------
    UserError
        When the folder is missing, is no corpus, was written by another format version, or lacks
        something that its table promises.
    """

    alphabet: Alphabet = DNA

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        record, self.digest = read_record(self.path)
        try:
            self._columns = ContigColumns.open(self.path / record.index)
        except (OSError, ValueError):
            raise UserError(
                f"{self.path / record.index} is missing or damaged; run the same `genomenet "
                "corpus build` again, which makes it anew"
            ) from None
        self._shards = ShardMaps(self.path / SHARDS_FOLDER, record.shards)
        weights = record.species_weights
        self._first_contigs = np.cumsum([0, *(row.contigs for row in record.members)])
        self.members: tuple[Member, ...] = tuple(
            Member(
                row.name,
                row.species,
                weights.get(row.species, 1.0),
                first,
                row.contigs,
                row.length_bp,
                row.digest,
            )
            for row, first in zip(record.members, self._first_contigs.tolist(), strict=False)
        )
        self.species: tuple[str, ...] = tuple(sorted({row.species for row in record.members}))
        self.species_weights = {name: weights.get(name, 1.0) for name in self.species}
        self.length_bp = sum(row.length_bp for row in record.members)
        place = {name: i for i, name in enumerate(record.shards)}
        self._member_shards = np.array([place[row.shard] for row in record.members])
        number = {name: i for i, name in enumerate(self.species)}
        self._member_species = np.array([number[row.species] for row in record.members])
        self.contigs = CorpusContigs(
            [row.name for row in record.members], self._first_contigs, self._columns, self.path
        )

    @cached_property
    def n_runs(self) -> tuple[Interval, ...]:
        """Runs of at least 64 N."""
        return tuple(
            Interval(self.contigs[number].name, start, end)
            for number, start, end in self._columns.n_runs.tolist()
        )

    def groups(self, intervals: Sequence[Interval]) -> Int64:
        """Return the number, in `species`, of that of each interval, shape (intervals,).

        Raises
        ------
        UserError
            An interval on a contig that the corpus lacks.
        """
        numbers = self.contigs.numbers([interval.contig for interval in intervals])
        return self._member_species[self._members_of(numbers)]

    def read_packed(self, contig: str, start: int, end: int) -> Packed:
        """Return bases `start` to `end` of a contig, a read-only view of the file."""
        shard, offset = self._check(contig, start, end)
        return self._shards.bases(shard)[offset + start : offset + end]

    def read_into(self, places: Places, packed_BL: Packed) -> None:
        """Copy segments into a batch; see `genomenet.genome.places.copy_segments`."""
        places.check(self._columns.lengths, str(self.path))
        shards = self._member_shards[self._members_of(places.contigs)]
        firsts = self._columns.offsets[places.contigs] + places.starts
        self._shards.copy(shards, firsts, places, packed_BL)

    def count_bases(self, contig: str, start: int, end: int) -> BaseCounts:
        """Count bases `start` to `end` of a contig; of a whole contig the counts are kept.

        Raises
        ------
        UserError
            Unknown contig, or a range that leaves it.
        """
        number = self.contigs.number(contig)
        counts = self._columns.counts(number)
        if (start, end) == (0, counts.total_bp):
            return counts
        shard, offset = self._check(contig, start, end)
        return count_from_blocks(self, contig, start, end, offset, self._shards.counts(shard))

    def __reduce__(self) -> tuple[Callable[[Path, str], "GenomeCorpus"], tuple[Path, str]]:
        return _reopen, (self.path.absolute(), self.digest)

    def _check(self, contig: str, start: int, end: int) -> tuple[int, int]:
        """Number of the shard with a contig, and the contig's first base in it."""
        number = self.contigs.number(contig)
        length_bp = int(self._columns.lengths[number])
        if not 0 <= start <= end <= length_bp:
            raise UserError(
                f"{self.path}: {contig}:{start:,}-{end:,} is not inside contig '{contig}', which "
                f"runs from 0 to {length_bp:,}"
            )
        member = self._members_of(np.array(number))
        return int(self._member_shards[member]), int(self._columns.offsets[number])

    def _members_of(self, contigs: Int64) -> npt.NDArray[np.intp]:
        return np.searchsorted(self._first_contigs, contigs, side="right") - 1


def _reopen(path: Path, digest: str) -> GenomeCorpus:
    corpus = GenomeCorpus(path)
    if corpus.digest != digest:
        raise UserError(
            f"the corpus {path} was changed while it was in use; start again, for its contigs "
            "have other numbers now"
        )
    return corpus
