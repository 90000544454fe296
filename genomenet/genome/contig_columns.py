"""Names, lengths and places of many contigs in a few arrays, memory-mapped from a folder."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genomenet.genome.base_counts import BaseCounts
from genomenet.genome.contigs import Contig
from genomenet.genome.intervals import Interval

Int64 = npt.NDArray[np.int64]

_NAMES_FILE = "contig_names.txt"
_TABLE_FILE = "contigs.npy"
_N_RUNS_FILE = "n_runs.npy"
_COUNTS = ("length_bp", "called_bp", "soft_masked_bp")
_TABLE = np.dtype([(column, np.int64) for column in (*_COUNTS, "offset", "name_end")])


class ContigColumns:
    """What `Contig` and runs of N are for one genome, for millions of contigs.

    Parameters
    ----------
    names : ndarray of uint8
        All names without the member's, each with a line end behind it, UTF-8.
    table : structured ndarray, shape (C,)
        The `BaseCounts` of each contig; ``offset`` of its first base where the bases are stored;
        ``name_end``, where the line of the name ends in `names`.
    n_runs : ndarray of int64, shape (R, 3)
        Number of the contig, start and end of each long run of N.
    """

    def __init__(self, names: npt.NDArray[np.uint8], table: np.ndarray, n_runs: Int64) -> None:
        self._names = names
        self._table = table
        self.n_runs = n_runs

    def __len__(self) -> int:
        return len(self._table)

    @property
    def lengths(self) -> Int64:
        """Bases of each contig, shape (C,)."""
        return self._table["length_bp"]

    @property
    def offsets(self) -> Int64:
        """Where the first base of each contig is stored, shape (C,)."""
        return self._table["offset"]

    def counts(self, number: int) -> BaseCounts:
        """Return what a contig holds."""
        return BaseCounts(*self._table[number].item()[: len(_COUNTS)])

    def names(self, first: int, last: int) -> list[str]:
        """Return the names of contigs `first` to `last`, without that of the member."""
        begin = int(self._table["name_end"][first - 1]) if first else 0
        end = int(self._table["name_end"][last - 1]) if last else 0
        return self._names[begin:end].tobytes().decode().split("\n")[:-1]

    @classmethod
    def of(
        cls, contigs: Sequence[Contig], counts: Iterable[BaseCounts], n_runs: Iterable[Interval]
    ) -> "ContigColumns":
        """Return the columns of contigs called member/contig, with the long runs of N on them."""
        lines = [contig.name.partition("/")[2].encode() + b"\n" for contig in contigs]
        table = np.zeros(len(contigs), dtype=_TABLE)
        for column, values in zip(_COUNTS, zip(*counts, strict=True), strict=True):
            table[column] = values
        table["offset"] = [contig.offset for contig in contigs]
        table["name_end"] = np.cumsum([len(line) for line in lines])
        number = {contig.name: i for i, contig in enumerate(contigs)}
        runs = [(number[run.contig], run.start, run.end) for run in n_runs]
        return cls(
            np.frombuffer(b"".join(lines), dtype=np.uint8),
            table,
            np.array(runs, dtype=np.int64).reshape(-1, 3),
        )

    @classmethod
    def joined(cls, parts: Sequence[tuple["ContigColumns", int, int]]) -> "ContigColumns":
        """Return contigs `first` to `last` of each of some columns, one after the other."""
        names, tables, runs = [], [], []
        contigs = letters = 0
        for columns, first, last in parts:
            table = columns._table[first:last].copy()
            begin = int(columns._table["name_end"][first - 1]) if first else 0
            names.append(columns._names[begin : int(table["name_end"][-1])])
            table["name_end"] += letters - begin
            tables.append(table)
            low, high = np.searchsorted(columns.n_runs[:, 0], [first, last])
            runs.append(columns.n_runs[low:high] + np.array([contigs - first, 0, 0]))
            contigs += last - first
            letters += names[-1].size
        return cls(np.concatenate(names), np.concatenate(tables), np.concatenate(runs))

    def save(self, folder: Path) -> None:
        """Write three files into `folder`."""
        (folder / _NAMES_FILE).write_bytes(self._names.tobytes())
        np.save(folder / _TABLE_FILE, self._table)
        np.save(folder / _N_RUNS_FILE, self.n_runs)

    @classmethod
    def open(cls, folder: Path) -> "ContigColumns":
        """Map what `save` wrote; nothing is read before it is asked for.

        Raises
        ------
        OSError, ValueError
            When the files are missing or damaged.
        """
        # Plain arrays over the maps: slicing the memmap subclass costs ten times as much.
        return cls(
            np.asarray(np.memmap(folder / _NAMES_FILE, dtype=np.uint8, mode="r")),
            np.asarray(np.load(folder / _TABLE_FILE, mmap_mode="r")),
            np.asarray(np.load(folder / _N_RUNS_FILE, mmap_mode="r")),
        )
