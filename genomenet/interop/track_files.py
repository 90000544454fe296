"""Numbers along a genome as bigWig and bedGraph, and places as BED, written as they come."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.genome.intervals import Interval

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float32]


class NumberFile(Protocol):
    """Where a numeric track goes."""

    def add(self, place: Interval, values: Numbers, present: Flags) -> None:
        """Add the bases of a place, which comes after all before it."""

    def close(self) -> None:
        """Finish the file."""


class BedGraphFile:
    """A bedGraph, with the track line that UCSC asks for.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        What a browser calls the track.
    """

    def __init__(self, path: Path, name: str):
        self._handle = path.open("w", encoding="utf-8", newline="\n")
        self._handle.write(f'track type=bedGraph name="{_quoted(name)}"\n')

    def add(self, place: Interval, values: Numbers, present: Flags) -> None:
        """Write a line for each run of equal values."""
        starts, ends, found = equal_runs(values, present)
        self._handle.writelines(
            f"{place.contig}\t{place.start + start}\t{place.start + end}\t{value:.7g}\n"
            for start, end, value in zip(
                starts.tolist(), ends.tolist(), found.tolist(), strict=True
            )
        )

    def close(self) -> None:
        """Finish the file."""
        self._handle.close()


class BigWigFile:
    """A bigWig.

    Parameters
    ----------
    path : Path
        The file.
    contigs : sequence of tuple of str and int
        Names and lengths, in the order in which places come.
    """

    def __init__(self, path: Path, contigs: Sequence[tuple[str, int]]):
        self._handle = bigwig_package().open(str(path), "w")
        self._handle.addHeader(list(contigs))

    def add(self, place: Interval, values: Numbers, present: Flags) -> None:
        """Add an entry for each run of equal values."""
        starts, ends, found = equal_runs(values, present)
        if len(starts):
            self._handle.addEntries(
                [place.contig] * len(starts),
                (starts + place.start).tolist(),
                ends=(ends + place.start).tolist(),
                values=found.astype(float).tolist(),
            )

    def close(self) -> None:
        """Finish the file."""
        self._handle.close()


class BedFile:
    """Single bases as BED with names and scores.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        What a browser calls the track.
    """

    def __init__(self, path: Path, name: str):
        self._handle = path.open("w", encoding="utf-8", newline="\n")
        self._handle.write(f'track name="{_quoted(name)}" useScore=1\n')

    def add(self, place: Interval, bases: npt.NDArray[np.int64], name: str, share: Numbers) -> None:
        """Add bases of a place, counted from its start, each with a share from 0 to 1."""
        scores = np.rint(1000 * np.nan_to_num(share).clip(0, 1)).astype(int)
        self._handle.writelines(
            f"{place.contig}\t{start}\t{start + 1}\t{name}\t{score}\t.\n"
            for start, score in zip((bases + place.start).tolist(), scores.tolist(), strict=True)
        )

    def close(self) -> None:
        """Finish the file."""
        self._handle.close()


def equal_runs(
    values: Numbers, present: Flags
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Numbers]:
    """Starts, ends and values of the longest runs of present bases of equal value."""
    values = np.where(present, values, np.float32(0))
    changes = np.flatnonzero((np.diff(values) != 0) | (np.diff(present) != 0)) + 1
    starts = np.concatenate([[0], changes]).astype(np.int64)
    ends = np.append(changes, len(values)).astype(np.int64)
    kept = present[starts] if len(values) else np.zeros(1, dtype=bool)
    return starts[kept], ends[kept], values[starts[kept]].astype(np.float32)


def bigwig_package() -> Any:
    """The package pyBigWig.

    Raises
    ------
    UserError
        When it is not installed.
    """
    try:
        import pyBigWig
    except ImportError:
        raise UserError(
            'writing bigWig needs the package pyBigWig; install it with pip install "genomenet'
            '[tracks]", or choose --formats bedgraph bed'
        ) from None
    return pyBigWig


def _quoted(name: str) -> str:
    return name.replace('"', "'")
