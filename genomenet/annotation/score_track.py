"""An external score for every base, such as conservation, read from a bigWig or bedGraph file."""

import hashlib
import os
import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from genomenet.annotation.bedgraph import Steps, read_bedgraph
from genomenet.errors import UserError
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.contigs import Contig, ContigTable
from genomenet.genome.opening import open_bytes

_BIGWIG_MAGIC = 0x888FFC26
_ENDS_BYTES = 1 << 20


class _Source(Protocol):
    """What a format offers: its contigs, and the scores of a range of one of them."""

    names: list[str]

    def length_bp(self, contig: str) -> int | None:
        """Return a contig's length, None where the format doesn't tell."""

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
    names : ContigNames, optional
        What else the track may call them; left out, what the rules allow.

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

    def __init__(
        self, path: str | Path, contigs: Sequence[Contig], names: ContigNames | None = None
    ) -> None:
        self.path = Path(path)
        self.contigs = tuple(contigs)
        self._names = names or ContigNames(contigs)
        self._table = ContigTable(contigs, str(self.path))
        self._source: _Source = (
            _BigWig(self.path) if _is_bigwig(self.path) else _BedGraph(self.path, self._names)
        )
        self._theirs = self._names.match(self._source.names, self.path)
        for own, length_bp in self._names.lengths_bp.items():
            theirs_bp = self._source.length_bp(self._theirs[own]) if own in self._theirs else None
            if theirs_bp not in (None, length_bp):
                raise UserError(
                    f"{self.path} has {theirs_bp:,} bases in contig '{self._theirs[own]}', the "
                    f"genome {length_bp:,}; give the track of the genome's assembly"
                )
        missing = [contig.name for contig in self.contigs if contig.name not in self._theirs]
        if not self._theirs:
            theirs = (
                f"its first is '{self._source.names[0]}'" if self._source.names else "it is empty"
            )
            raise UserError(
                f"the track {self.path} has no contig of the genome: {theirs}, the genome's first "
                f"is '{missing[0]}'; give a track of this genome, or a table of its contigs' other "
                "names (data.aliases)"
            )
        self.notes: tuple[str, ...] = ()
        if missing:
            self.notes = (
                f"the track {self.path} lacks {len(missing)} of {len(self.contigs)} contigs, "
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
        if contig not in self._theirs or start == end:
            return np.full(end - start, np.nan, dtype=np.float32)
        return self._source.read(self._theirs[contig], start, end)

    def __reduce__(
        self,
    ) -> tuple[type["ScoreTrack"], tuple[Path, tuple[Contig, ...], ContigNames]]:
        return ScoreTrack, (self.path.absolute(), self.contigs, self._names)


class _BedGraph:
    """All rows in memory: about 20 bytes each."""

    def __init__(self, path: Path, names: ContigNames) -> None:
        self._steps: dict[str, Steps]
        self._steps, self.names = read_bedgraph(path, names)

    def length_bp(self, contig: str) -> int | None:
        """Return None: rows that leave their contig were found while reading."""
        return None

    def read(self, contig: str, start: int, end: int) -> npt.NDArray[np.float32]:
        """Return the scores of a range."""
        return self._steps[contig].read(start, end)


class _BigWig:
    """Read in place; a handle shared by threads or processes would share its place in the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mine = threading.local()
        self._lengths_bp: dict[str, int] = self._open().chroms()
        self.names = list(self._lengths_bp)

    def length_bp(self, contig: str) -> int | None:
        """Return a contig's length."""
        return self._lengths_bp[contig]

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
        held = getattr(self._mine, "handle", None)
        if held is not None and held[0] == os.getpid():
            return held[1]
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
        self._mine.handle = (os.getpid(), handle)
        return handle


def _is_bigwig(path: Path) -> bool:
    with open_bytes(path) as stream:
        first = stream.read(4)
    if len(first) < 4:
        return False
    return _BIGWIG_MAGIC in (struct.unpack("<I", first)[0], struct.unpack(">I", first)[0])
