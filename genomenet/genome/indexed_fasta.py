"""Random access to a FASTA file through its .fai index, for reading a genome without importing."""

import os
import struct
import threading
import zlib
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pyfaidx import BgzfBlock, Faidx, FastaIndexingError

from genomenet.errors import UserError
from genomenet.files import scratch_folder
from genomenet.genome.alphabet import (
    DNA,
    KEPT_BITS,
    Alphabet,
    NotNucleotides,
    pack,
)
from genomenet.genome.base_counts import BaseCounts, count_by_reading
from genomenet.genome.content import ContentScan
from genomenet.genome.contigs import Contig, ContigTable
from genomenet.genome.fasta import foreign_letter_error
from genomenet.genome.intervals import Interval
from genomenet.genome.letter_blocks import LetterBlocks
from genomenet.genome.opening import GZIP_MAGIC, open_bytes
from genomenet.genome.packed_reading import PackedReading
from genomenet.genome.places import Packed, Places, copy_segments
from genomenet.genome.sources import source_pieces
from genomenet.genome.twobit import is_twobit

_BGZIP_SUFFIXES = (".gz", ".bgz")
_BGZIP_EXTRA_FIELD = b"BC"
# What pyfaidx and Biopython let through when file and index do not belong together.
_MISMATCH = (struct.error, zlib.error, EOFError, ValueError, IndexError)


class _Block(BgzfBlock):
    """A bgzip block that is found for a read that begins with its first byte, too.

    pyfaidx bisects for the block before and asks for the byte behind its last one, which is out
    of range when that block is full: 65,536 bytes, as Biopython writes them.
    """

    __slots__ = ()

    def __lt__(self, position: object) -> bool:
        assert isinstance(position, int), "blocks are only looked up by position"
        return self.ustart <= position


class IndexedFasta(PackedReading):
    """A plain or bgzip FASTA file, read in place.

    The index (``.fai``, and ``.gzi`` for bgzip) is written beside the file when missing or older
    than it. Each thread and process opens the file for itself on its first read, for a shared
    handle would share its file position.

    Parameters
    ----------
    path : str or Path
        The file.

    Attributes
    ----------
    path : Path
        The file.
    contigs : tuple of Contig
        In file order.
    length_bp : int
        Sum of the contigs' lengths.

    Raises
    ------
    UserError
        Missing file, gzip that is not bgzip, lines of uneven length, no right to write the index,
        a damaged index.
    """

    alphabet: Alphabet = DNA

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        _check_readable(self.path)
        _ensure_index(self.path)
        offset = 0
        contigs = []
        with self._open() as faidx:
            for name, record in faidx.index.items():
                contigs.append(Contig(name, record.rlen, offset))
                offset += record.rlen
        if not contigs:
            raise self._mismatch()
        self.contigs: tuple[Contig, ...] = tuple(contigs)
        self.length_bp = offset
        self._table = ContigTable(self.contigs, str(self.path))
        self._mine = threading.local()

    @cached_property
    def _scan(self) -> tuple[str, tuple[Interval, ...]]:
        """Digest and N runs, from one pass over the whole file on first use."""
        scan = ContentScan()
        blocks = LetterBlocks(scan.feed)
        try:
            for name, letters in source_pieces(self.path):
                if name is not None:
                    blocks.begin(name)
                blocks.append(letters)
            blocks.finish()
        except NotNucleotides:
            raise foreign_letter_error(self.path) from None
        return scan.digest(blocks.contigs()), scan.n_runs(blocks.contigs())

    @property
    def digest(self) -> str:
        """As that of a store made from the file; reads the whole file once, on first use."""
        return self._scan[0]

    @property
    def n_runs(self) -> tuple[Interval, ...]:
        """Runs of at least 64 N; reads the whole file once, on first use."""
        return self._scan[1]

    def read_packed(self, contig: str, start: int, end: int) -> Packed:
        """Return bases `start` to `end` of `contig`, code and soft mask in one byte.

        Raises
        ------
        UserError
            Unknown contig, a range that leaves it, a letter that is no nucleotide, or a file that
            is not the one its index was made of.
        """
        self._table.check(contig, start, end)
        if start == end:
            return np.zeros(0, dtype=np.uint8)
        try:
            # pyfaidx counts from 1 and includes the end.
            letters = self._handle().fetch(contig, start + 1, end).encode()
        except _MISMATCH:
            raise self._mismatch() from None
        packed = self._pack(letters)
        if packed.size != end - start:
            raise self._mismatch()
        return packed & np.uint8(KEPT_BITS)

    def read_into(self, places: Places, packed_BL: Packed) -> None:
        """Copy segments into a batch; see `genomenet.genome.places.copy_segments`."""
        copy_segments(self, places, packed_BL)

    def count_bases(self, contig: str, start: int, end: int) -> BaseCounts:
        """Count bases `start` to `end` of `contig`; reads all of them."""
        return count_by_reading(self, contig, start, end)

    def __reduce__(self) -> tuple[type["IndexedFasta"], tuple[Path]]:
        return IndexedFasta, (self.path.absolute(),)

    def _handle(self) -> Faidx:
        """The file as this thread of this process has opened it."""
        held = getattr(self._mine, "handle", None)
        if held is None or held[0] != os.getpid():
            held = self._mine.handle = (os.getpid(), self._open())
        return held[1]

    def _pack(self, letters: bytes) -> npt.NDArray[np.uint8]:
        try:
            return pack(letters)
        except NotNucleotides:
            if b">" in letters:
                raise self._mismatch() from None
            raise foreign_letter_error(self.path) from None

    def _open(self) -> Faidx:
        try:
            faidx = Faidx(self.path, as_raw=True, build_index=False, rebuild=False)
        except _MISMATCH as error:
            if "Duplicate" not in str(error):
                raise self._mismatch() from None
            raise UserError(f"{self.path} cannot be indexed: {error}; rename one of them") from None
        if self.path.suffix.lower() in _BGZIP_SUFFIXES:
            faidx.gzi_index = [
                _Block(block.cstart, block.clen, block.ustart, block.ulen)
                for block in faidx.gzi_index
            ]
        return faidx

    def _mismatch(self) -> UserError:
        indexes = " and ".join(index.name for index in _indexes(self.path))
        return UserError(
            f"{self.path} and its index ({indexes}) do not fit together; delete the index, it is "
            "made anew, and download the file again if that does not help"
        )


def _indexes(path: Path) -> list[Path]:
    suffixes = (".fai", ".gzi") if path.suffix.lower() in _BGZIP_SUFFIXES else (".fai",)
    return [Path(f"{path}{suffix}") for suffix in suffixes]


def _check_readable(path: Path) -> None:
    if is_twobit(path):
        raise UserError(f"{path} is a 2bit file, which is not read in place; import it")
    with open_bytes(path) as stream:
        if not stream.read(1):
            raise UserError(f"{path} is empty; give a FASTA file with at least one sequence")
    with path.open("rb") as raw:
        start = raw.read(18)
    if not start.startswith(GZIP_MAGIC):
        return
    if _BGZIP_EXTRA_FIELD not in start[12:14]:
        raise UserError(
            f"{path} is gzip, which cannot be read at random places; "
            "import it into a genome store, or recompress it with bgzip"
        )
    if path.suffix.lower() not in _BGZIP_SUFFIXES:
        raise UserError(f"{path} is compressed with bgzip; rename it to {path.name}.gz")


def _ensure_index(path: Path) -> None:
    names = _indexes(path)
    written = path.stat().st_mtime
    if all(name.exists() and name.stat().st_mtime >= written for name in names):
        return
    # Built aside and renamed, so that two processes starting at once never see half an index.
    try:
        with scratch_folder(path) as folder:
            built = [folder / name.name for name in names]
            gzi = built[1] if len(built) > 1 else None
            Faidx(path, indexname=built[0], gzi_indexname=gzi, as_raw=True).close()
            for new, name in zip(built, names, strict=True):
                # File servers whose clock is ahead date the FASTA after the index made of it.
                newest = max(written, new.stat().st_mtime)
                os.utime(new, (newest, newest))
                new.replace(name)
    except OSError as error:
        raise UserError(
            f"the index {names[0]} cannot be written ({error.strerror or error}); "
            "import the FASTA into a genome store elsewhere, or make its folder writable"
        ) from None
    except struct.error:
        raise UserError(
            f"{path} breaks off in the middle of its bgzip data; copy or download it again"
        ) from None
    except (FastaIndexingError, ValueError) as error:
        raise UserError(
            f"{path} cannot be indexed: {error}; import it into a genome store instead"
        ) from None
