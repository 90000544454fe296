"""Random access to a FASTA file through its .fai index, for reading a genome without importing."""

import hashlib
import os
import tempfile
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pyfaidx import BgzfBlock, Faidx, FastaIndexingError

from genomenet.errors import UserError
from genomenet.genome.alphabet import (
    CODE_BITS,
    DNA,
    SOFT_MASK_FLAG,
    Alphabet,
    NotNucleotides,
    pack,
)
from genomenet.genome.contigs import Contig, ContigTable
from genomenet.genome.fasta import foreign_letter_error
from genomenet.genome.intervals import Interval
from genomenet.genome.n_runs import NRunFinder
from genomenet.genome.opening import GZIP_MAGIC, open_bytes
from genomenet.genome.sources import source_pieces

_BGZIP_SUFFIXES = (".gz", ".bgz")
_BGZIP_EXTRA_FIELD = b"BC"


class _Block(BgzfBlock):
    """A bgzip block that is found for a read that begins with its first byte, too.

    pyfaidx bisects for the block before and asks for the byte behind its last one, which is out
    of range when that block is full: 65,536 bytes, as Biopython writes them.
    """

    __slots__ = ()

    def __lt__(self, position: object) -> bool:
        assert isinstance(position, int), "blocks are only looked up by position"
        return self.ustart <= position


class IndexedFasta:
    """A plain or bgzip FASTA file, read in place.

    The index (``.fai``, and ``.gzi`` for bgzip) is written beside the file when missing or older
    than it. Each process opens the file for itself on its first read, for a handle shared across
    a fork would share its file position.

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
        Missing file, gzip that is not bgzip, lines of uneven length, no right to write the index.
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
        self.contigs: tuple[Contig, ...] = tuple(contigs)
        self.length_bp = offset
        self._table = ContigTable(self.contigs, str(self.path))
        self._handle: tuple[int, Faidx] | None = None

    @cached_property
    def _scan(self) -> tuple[str, tuple[Interval, ...]]:
        """Digest and N runs, from one pass over the whole file on first use."""
        hasher, finder = hashlib.sha256(), NRunFinder()
        for name, letters in source_pieces(self.path, hasher):
            if name is not None:
                finder.begin(name)
            finder.feed(self._pack(letters) & np.uint8(CODE_BITS))
        finder.finish()
        return hasher.hexdigest(), tuple(finder.runs)

    @property
    def digest(self) -> str:
        """SHA-256 of the file; reads the whole file once, on first use."""
        return self._scan[0]

    @property
    def n_runs(self) -> tuple[Interval, ...]:
        """Runs of at least 64 N; reads the whole file once, on first use."""
        return self._scan[1]

    def read(self, contig: str, start: int, end: int) -> npt.NDArray[np.uint8]:
        """Return the codes of bases `start` to `end` of `contig`, shape (end - start,), uint8.

        Raises
        ------
        UserError
            Unknown contig, a range that leaves it, or a letter that is no nucleotide.
        """
        return self._packed(contig, start, end) & np.uint8(CODE_BITS)

    def read_mask(self, contig: str, start: int, end: int) -> npt.NDArray[np.bool_]:
        """Return which of bases `start` to `end` are soft-masked, shape (end - start,), bool.

        Raises
        ------
        UserError
            As `read`.
        """
        return (self._packed(contig, start, end) & np.uint8(SOFT_MASK_FLAG)) != 0

    def __reduce__(self) -> tuple[type["IndexedFasta"], tuple[Path]]:
        return IndexedFasta, (self.path.absolute(),)

    def _packed(self, contig: str, start: int, end: int) -> npt.NDArray[np.uint8]:
        self._table.check(contig, start, end)
        if start == end:
            return np.zeros(0, dtype=np.uint8)
        if self._handle is None or self._handle[0] != os.getpid():
            self._handle = (os.getpid(), self._open())
        # pyfaidx counts from 1 and includes the end.
        letters = self._handle[1].fetch(contig, start + 1, end).encode()
        return self._pack(letters)

    def _pack(self, letters: bytes) -> npt.NDArray[np.uint8]:
        try:
            return pack(letters)
        except NotNucleotides:
            raise foreign_letter_error(self.path) from None

    def _open(self) -> Faidx:
        try:
            faidx = Faidx(self.path, as_raw=True, build_index=False, rebuild=False)
        except ValueError as error:
            raise UserError(f"{self.path} cannot be indexed: {error}; rename one of them") from None
        if self.path.suffix.lower() in _BGZIP_SUFFIXES:
            faidx.gzi_index = [
                _Block(block.cstart, block.clen, block.ustart, block.ulen)
                for block in faidx.gzi_index
            ]
        return faidx


def _check_readable(path: Path) -> None:
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
    names = [Path(f"{path}.fai")]
    if path.suffix.lower() in _BGZIP_SUFFIXES:
        names.append(Path(f"{path}.gzi"))
    written = path.stat().st_mtime
    if all(name.exists() and name.stat().st_mtime >= written for name in names):
        return
    # Built aside and renamed, so that two processes starting at once never see half an index.
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            built = [Path(folder) / name.name for name in names]
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
    except (FastaIndexingError, ValueError) as error:
        raise UserError(
            f"{path} cannot be indexed: {error}; import it into a genome store instead"
        ) from None
