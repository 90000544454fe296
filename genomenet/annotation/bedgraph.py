"""Read a bedGraph file into sorted arrays, one set a contig, with errors that name the line."""

import math
from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.opening import text_lines


@dataclass(frozen=True, slots=True)
class Steps:
    """The scores of one contig: a value for every range, ranges sorted and apart.

    Attributes
    ----------
    starts, ends : ndarray of int64, shape (R,)
        0-based, half-open.
    values : ndarray of float32, shape (R,)
        Score of each base of the range.
    """

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]

    def read(self, start: int, end: int) -> npt.NDArray[np.float32]:
        """Return the scores of bases `start` to `end`, nan where there is none."""
        low = int(np.searchsorted(self.ends, start, side="right"))
        high = int(np.searchsorted(self.starts, end, side="left"))
        begin = np.maximum(self.starts[low:high], start) - start
        length = np.minimum(self.ends[low:high], end) - start - begin
        # The place of every scored base: its range's begin, plus its rank within the range.
        rank = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        scores = np.full(end - start, np.nan, dtype=np.float32)
        scores[np.repeat(begin, length) + rank] = np.repeat(self.values[low:high], length)
        return scores


def read_bedgraph(path: str | Path, names: ContigNames) -> tuple[dict[str, Steps], list[str]]:
    """Read a bedGraph file, plain or gzip.

    Parameters
    ----------
    path : str or Path
        The file: contig, start, end (0-based, half-open) and value, sorted by start within each
        contig.
    names : ContigNames
        Of the genome; rows of contigs that it lacks are checked and left out.

    Returns
    -------
    dict of str to Steps
        The contigs of the genome that the file has, by the file's names.
    list of str
        All contigs that the file has.

    Raises
    ------
    UserError
        With file and line: not four columns, no numbers, ranges that are unsorted, overlap or
        leave their contig.
    """
    columns: dict[str, tuple[array, array, array]] = {}
    length_bp: int | None = None  # of the contig being read; None for one that the genome lacks
    last_contig, last_start, last_end = "", 0, 0
    for number, line in text_lines(path):
        if not line.strip() or line.startswith(("#", "track", "browser")):
            continue
        where = f"{path}: line {number}"
        contig, start, end, value = _row(line, where)
        if contig != last_contig:
            if contig in columns:
                raise UserError(
                    f"{where}: contig '{contig}' appears again after '{last_contig}'; sort the "
                    "file by contig and start"
                )
            columns[contig] = (array("q"), array("q"), array("f"))
            last_contig, last_start, last_end = contig, 0, 0
            length_bp = names.lengths_bp.get(names.find(contig) or "")
        if start < last_start:
            raise UserError(
                f"{where}: start {start} comes after start {last_start}; sort the file by contig "
                "and start"
            )
        if start < last_end:
            raise UserError(
                f"{where}: {start}-{end} overlaps the row before, which ends at {last_end}; give "
                "each base one value"
            )
        if length_bp is not None and end > length_bp:
            raise UserError(
                f"{where}: {start}-{end} leaves contig '{contig}', which has {length_bp:,} bases; "
                "give the track of the genome's assembly"
            )
        last_start, last_end = start, end
        if length_bp is not None:
            for column, entry in zip(columns[contig], (start, end, value), strict=True):
                column.append(entry)
    steps = {
        contig: Steps(
            np.frombuffer(starts, dtype=np.int64),
            np.frombuffer(ends, dtype=np.int64),
            np.frombuffer(values, dtype=np.float32),
        )
        for contig, (starts, ends, values) in columns.items()
        if starts
    }
    return steps, list(columns)


def _row(line: str, where: str) -> tuple[str, int, int, float]:
    words = line.split()
    if len(words) != 4:
        raise UserError(
            f"{where}: bedGraph has the four columns contig, start, end and value, but the line "
            f"is {line.strip()[:60]!r}"
        )
    contig, first, last, score = words
    try:
        start, end, value = int(first), int(last), float(score)
    except ValueError:
        raise UserError(
            f"{where}: start, end and value must be numbers, not {first!r}, {last!r} and {score!r}"
        ) from None
    if not 0 <= start < end:
        raise UserError(
            f"{where}: {start} to {end} is no range; bedGraph counts from 0 and leaves the end out"
        )
    if not math.isfinite(value):
        raise UserError(f"{where}: the value is {score}; leave rows without a value out")
    return contig, start, end, value
