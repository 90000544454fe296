"""An external score for every base, such as conservation, read from a bigWig or bedGraph file."""

import hashlib
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.genome.bedgraph import Steps, read_bedgraph
from genomenet.genome.contigs import Contig, ContigTable
from genomenet.genome.opening import open_bytes

_BIGWIG_MAGIC = 0x888FFC26
_ENDS_BYTES = 1 << 20


class _Source(Protocol):
    """What a format offers: its contigs, and the scores of a range of one of them."""

    names: list[str]

    def read(self, contig: str, start: int, end: int) -> npt.NDArray[np.float32]:
        """Return float32, nan where there is no score."""


class ScoreTrack:
    """One float32 for each base of a genome; nan where the track has none.

    Parameters
    ----------
    path : str or Path
        bigWig (told by its first bytes; needs the package pyBigWig), or bedGraph, plain or gzip.
    contigs : sequence of Contig
        Those of the genome.

    Attributes
    ----------
    path : Path
        The file.
    notes : tuple of str
        What to tell before a run: contigs of the genome that the track lacks.

    Raises
    ------
    UserError
        A missing or broken file, no contig of the genome's in it, a contig of another length,
        or pyBigWig missing.
    """

    def __init__(self, path: str | Path, contigs: Sequence[Contig]) -> None:
        self.path = Path(path)
        self.contigs = tuple(contigs)
        self._table = ContigTable(contigs, str(self.path))
        lengths_bp = {contig.name: contig.length_bp for contig in contigs}
        self._source: _Source = (
            _BigWig(self.path, lengths_bp)
            if _is_bigwig(self.path)
            else _BedGraph(self.path, lengths_bp)
        )
        self._names = set(self._source.names) & set(lengths_bp)
        missing = [name for name in lengths_bp if name not in self._names]
        if not self._names:
            theirs = (
                f"its first is '{self._source.names[0]}'" if self._source.names else "it is empty"
            )
            raise UserError(
                f"the track {self.path} has no contig of the genome: {theirs}, the genome's first "
                f"is '{missing[0]}'; give a track of this genome, with its contig names"
            )
        self.notes: tuple[str, ...] = ()
        if missing:
            self.notes = (
                f"the track {self.path} lacks {len(missing)} of {len(lengths_bp)} contigs, "
                f"'{missing[0]}' the first; their bases have no score",
            )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the file's size, first and last MiB: a track can be larger than a genome."""
        size = self.path.stat().st_size
        with self.path.open("rb") as handle:
            first = handle.read(_ENDS_BYTES)
            handle.seek(max(0, size - _ENDS_BYTES))
            last = handle.read()
        return hashlib.sha256(b"%d\n" % size + first + last).hexdigest()

    def read(self, contig: str, start: int, end: int) -> npt.NDArray[np.float32]:
        """Return the scores of bases `start` to `end` of `contig`, shape (end - start,).

        Raises
        ------
        UserError
            Unknown contig, a range that leaves it, or a file that breaks off.
        """
        self._table.check(contig, start, end)
        if contig not in self._names or start == end:
            return np.full(end - start, np.nan, dtype=np.float32)
        return self._source.read(contig, start, end)

    def __reduce__(self) -> tuple[type["ScoreTrack"], tuple[Path, tuple[Contig, ...]]]:
        return ScoreTrack, (self.path.absolute(), self.contigs)


class _BedGraph:
    """All rows in memory: about 20 bytes each."""

    def __init__(self, path: Path, lengths_bp: dict[str, int]) -> None:
        self._steps: dict[str, Steps]
        self._steps, self.names = read_bedgraph(path, lengths_bp)

    def read(self, contig: str, start: int, end: int) -> npt.NDArray[np.float32]:
        """Return the scores of a range."""
        return self._steps[contig].read(start, end)


class _BigWig:
    """Read in place; a handle shared across a fork would share its place in the file."""

    def __init__(self, path: Path, lengths_bp: dict[str, int]) -> None:
        self._path = path
        self._handle: tuple[int, Any] | None = None
        lengths = self._open().chroms()
        self.names = list(lengths)
        for name, length_bp in lengths.items():
            if length_bp != lengths_bp.get(name, length_bp):
                raise UserError(
                    f"{path} has {length_bp:,} bases in contig '{name}', the genome "
                    f"{lengths_bp[name]:,}; give the track of the genome's assembly"
                )

    def read(self, contig: str, start: int, end: int) -> npt.NDArray[np.float32]:
        """Return the scores of a range."""
        try:
            return np.asarray(self._open().values(contig, start, end), dtype=np.float32)
        except RuntimeError as error:
            raise UserError(
                f"{self._path} cannot be read at {contig}:{start:,}-{end:,} ({error}); copy or "
                "download it again"
            ) from None

    def _open(self) -> Any:
        if self._handle is not None and self._handle[0] == os.getpid():
            return self._handle[1]
        try:
            import pyBigWig
        except ImportError:
            raise UserError(
                f"{self._path} is a bigWig file, which needs the package pyBigWig; install it "
                'with pip install "genomenet[tracks]", or convert the file to bedGraph'
            ) from None
        try:
            handle = pyBigWig.open(str(self._path))
        except RuntimeError:
            raise UserError(
                f"{self._path} is a damaged bigWig file; copy or download it again"
            ) from None
        self._handle = (os.getpid(), handle)
        return handle


def _is_bigwig(path: Path) -> bool:
    with open_bytes(path) as stream:
        first = stream.read(4)
    if len(first) < 4:
        return False
    return _BIGWIG_MAGIC in (struct.unpack("<I", first)[0], struct.unpack(">I", first)[0])
