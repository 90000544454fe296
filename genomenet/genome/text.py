"""A text file or a folder of them, read as bytes in place of a genome."""

import hashlib
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.genome.alphabet import BYTES, Alphabet
from genomenet.genome.base_counts import BaseCounts
from genomenet.genome.contigs import Contig, ContigTable, content_digest
from genomenet.genome.corpus_record import is_corpus
from genomenet.genome.intervals import Interval
from genomenet.genome.opening import GZIP_MAGIC
from genomenet.genome.packed_reading import PackedReading
from genomenet.genome.places import Packed, Places, copy_segments
from genomenet.genome.store_writer import TABLE_FILE

_OPEN_FILES = 64
"""Memory maps kept open; each holds a file descriptor, of which a process has about a thousand."""

_HASHED_BYTES = 16 << 20


class TextCorpus(PackedReading):
    """Documents of a corpus as the contigs of a genome: bytes instead of bases, nothing masked.

    A folder is searched through all its subfolders. Each file is one document, named by its path
    within the folder; hidden files and empty ones are left out. Bytes are taken as they are:
    whether they are UTF-8 makes no difference to anything.

    Parameters
    ----------
    path : str or Path
        A file or a folder.

    Attributes
    ----------
    path : Path
        The file or folder.
    alphabet : Alphabet
        Bytes.
    contigs : tuple of Contig
        The documents, sorted by name.
    length_bp : int
        Sum of their lengths, in bytes.
    n_runs : tuple of Interval
        Always empty.

    Raises
    ------
    UserError
        Nothing is there, there are no bytes in it, or a file is compressed.
    """

    alphabet: Alphabet = BYTES
    n_runs: tuple[Interval, ...] = ()

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._files = _documents(self.path)
        contigs, offset = [], 0
        for name, file in self._files.items():
            size = file.stat().st_size
            contigs.append(Contig(name, size, offset))
            offset += size
        self.contigs: tuple[Contig, ...] = tuple(contigs)
        self.length_bp = offset
        self._table = ContigTable(self.contigs, str(self.path))
        self._maps: dict[str, npt.NDArray[np.uint8]] = {}

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names, lengths and bytes; reads the whole corpus once, on first use."""
        hasher = hashlib.sha256()
        for contig in self.contigs:
            for start in range(0, contig.length_bp, _HASHED_BYTES):
                end = min(start + _HASHED_BYTES, contig.length_bp)
                hasher.update(self.read_packed(contig.name, start, end).data)
        return content_digest(self.contigs, hasher)

    def read_packed(self, contig: str, start: int, end: int) -> Packed:
        """Return bytes `start` to `end` of a document, a read-only view of the file."""
        self._table.check(contig, start, end)
        return self._map(contig)[start:end]

    def read_into(self, places: Places, packed_BL: Packed) -> None:
        """Copy segments into a batch; see `genomenet.genome.places.copy_segments`."""
        copy_segments(self, places, packed_BL)

    def count_bases(self, contig: str, start: int, end: int) -> BaseCounts:
        """Count bytes `start` to `end` of a document: all are called, and none is masked."""
        self._table.check(contig, start, end)
        return BaseCounts(end - start, end - start, 0)

    def __reduce__(self) -> tuple[type["TextCorpus"], tuple[Path]]:
        return TextCorpus, (self.path.absolute(),)

    def _map(self, name: str) -> npt.NDArray[np.uint8]:
        opened = self._maps.get(name)
        if opened is None:
            opened = np.asarray(np.memmap(self._files[name], dtype=np.uint8, mode="r"))
            self._maps[name] = opened
            # Several threads may be here at once, and the oldest be gone already.
            for oldest in list(self._maps)[:-_OPEN_FILES]:
                self._maps.pop(oldest, None)
        return opened


def _documents(path: Path) -> dict[str, Path]:
    """Name and file of every document, sorted by name."""
    if path.is_file():
        files = {path.name: path}
    elif (path / TABLE_FILE).exists() or is_corpus(path):
        raise UserError(f"{path} is an imported genome, not text; name it as a genome")
    elif path.is_dir():
        found = {file.relative_to(path): file for file in path.rglob("*") if file.is_file()}
        files = {
            name.as_posix(): file
            for name, file in found.items()
            if not any(part.startswith(".") for part in name.parts)
        }
    else:
        raise UserError(f"{path} does not exist; give a text file, or a folder of them")
    files = {name: files[name] for name in sorted(files) if files[name].stat().st_size}
    if not files:
        raise UserError(
            f"{path} holds no text; give a file, or a folder of files, with bytes in it"
        )
    for file in files.values():
        with file.open("rb") as stream:
            if stream.read(len(GZIP_MAGIC)) == GZIP_MAGIC:
                raise UserError(f"{file} is compressed with gzip; decompress it first")
    return files
