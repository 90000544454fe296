"""A genome imported once: one memory-mapped array of bases, and a table."""

from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from genomenet.errors import UserError
from genomenet.genome.alphabet import DNA, Alphabet
from genomenet.genome.base_counts import BaseCounts, BlockCounts, count_from_blocks
from genomenet.genome.contigs import Contig, ContigTable
from genomenet.genome.gather import gather
from genomenet.genome.intervals import Interval
from genomenet.genome.opening import read_table
from genomenet.genome.packed_reading import PackedReading
from genomenet.genome.places import Packed, Places
from genomenet.genome.store_writer import (
    BASES_FILE,
    COUNTS_FILE,
    FORMAT_VERSION,
    TABLE_FILE,
    SourceRecord,
)


class GenomeStore(PackedReading):
    """An imported genome, opened for reading.

    The bases are memory-mapped on first use, so workers and ranks on a machine share one copy in
    the page cache. Pickling carries the path alone; forking is safe.

    Parameters
    ----------
    path : str or Path
        Folder written by `genomenet.genome.importer.import_genome`.

    Attributes
    ----------
    path : Path
        The folder.
    contigs : tuple of Contig
        In the order of the imported files.
    length_bp : int
        Sum of the contigs' lengths, N included.
    digest : str
        SHA-256 over names, lengths, codes and soft mask.
    n_runs : tuple of Interval
        Runs of at least 64 N.
    sources : tuple of SourceRecord
        The files the store was made from.

    Raises
    ------
    UserError
        When the folder is missing, is no store, was written by another format version, or does
        not have the sizes its table promises.
    """

    alphabet: Alphabet = DNA

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        table = _read_table(self.path)
        names, lengths = zip(*table["contigs"], strict=True)
        self.contigs: tuple[Contig, ...] = tuple(
            map(Contig, names, lengths, accumulate(lengths, initial=0))
        )
        self.length_bp: int = table["length_bp"]
        self.digest: str = table["digest"]
        self.sources: tuple[SourceRecord, ...] = tuple(
            SourceRecord(**row) for row in table["sources"]
        )
        self.n_runs: tuple[Interval, ...] = tuple(
            Interval(self.contigs[i].name, start, end) for i, start, end in table["n_runs"]
        )
        self._table = ContigTable(self.contigs, str(self.path))
        self._offsets = np.array([contig.offset for contig in self.contigs], dtype=np.int64)
        self._lengths = np.array([contig.length_bp for contig in self.contigs], dtype=np.int64)
        self._counts = BlockCounts(self.path / COUNTS_FILE)
        _check_size(self.path / BASES_FILE, self.length_bp)
        _check_size(self.path / COUNTS_FILE, BlockCounts.size_bytes(self.length_bp))

    @cached_property
    def _bases(self) -> Packed:
        return map_bases(self.path)

    @property
    def notes(self) -> list[str]:
        """A sentence for each source whose letters were replaced, for the terminal."""
        said = []
        for source in self.sources:
            if source.ambiguity_to_n:
                said.append(f"{source.file}: {source.ambiguity_to_n:,} ambiguity codes became N")
            if source.uracil_to_t:
                said.append(f"{source.file}: {source.uracil_to_t:,} U became T")
        return said

    def read_packed(self, contig: str, start: int, end: int) -> Packed:
        """Return bases `start` to `end` of `contig`, a read-only view of the file."""
        offset = self._table.check(contig, start, end).offset
        return self._bases[offset + start : offset + end]

    def read_into(self, places: Places, packed_BL: Packed) -> None:
        """Copy segments into a batch; see `genomenet.genome.places.copy_segments`."""
        places.check(self._lengths, str(self.path))
        gather(self._bases, self._offsets[places.contigs] + places.starts, places, packed_BL)

    def count_bases(self, contig: str, start: int, end: int) -> BaseCounts:
        """Count bases `start` to `end` of `contig`, reading two blocks of them at most.

        Raises
        ------
        UserError
            Unknown contig, or a range that leaves it.
        """
        offset = self._table.check(contig, start, end).offset
        return count_from_blocks(self, contig, start, end, offset, self._counts)

    def __reduce__(self) -> tuple[type["GenomeStore"], tuple[Path]]:
        return GenomeStore, (self.path.absolute(),)


def map_bases(folder: Path) -> Packed:
    """Map the packed bytes of the store in `folder`."""
    # A plain array over the map: slicing the memmap subclass costs ten times as much.
    return np.asarray(np.memmap(folder / BASES_FILE, dtype=np.uint8, mode="r"))


def _read_table(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; give the folder of an imported genome")
    return read_table(
        folder / TABLE_FILE,
        FORMAT_VERSION,
        f"{folder} is not a genome store, it has no {TABLE_FILE}; import a genome first",
        f"delete {folder} and import the genome again",
    )


def _check_size(path: Path, wanted: int) -> None:
    size = path.stat().st_size if path.is_file() else 0
    if size != wanted:
        raise UserError(
            f"{path} has {size:,} bytes where its {TABLE_FILE} promises {wanted:,}; "
            f"delete {path.parent} and import the genome again"
        )
