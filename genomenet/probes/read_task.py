"""Read tasks: tables of recipes and of users, FASTA with labels, folders of one FASTA a class."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from Bio.SeqIO.FastaIO import SimpleFastaParser

from genomenet.errors import UserError
from genomenet.genome.alphabet import NotNucleotides, encode, foreign_letter_reason
from genomenet.genome.intervals import Interval
from genomenet.genome.opening import open_bytes
from genomenet.probes.task import Example, Task, make_task
from genomenet.recipes.steps_tables import SPLITS

_ENDINGS = (".gz", ".csv", ".fasta", ".fna", ".fa")
_FASTA_FILES = ("*.fa", "*.fasta", "*.fna", "*.fa.gz", "*.fasta.gz", "*.fna.gz")
_STARTS = ("start", "start0")


def read_task(path: Path, seed: int = 0) -> Task:
    """Read a task.

    Parameters
    ----------
    path : Path
        CSV (plain or gzip) with the columns sequence and label, and where there are any split,
        contig (or chrom), start (0-based) and end; FASTA whose headers are NAME|LABEL; or a
        folder of LABEL.fa, one file a class.
    seed : int
        Of the split, where there is none.

    Raises
    ------
    UserError
        With file and line or record: a missing column, a split that is none, an empty label or
        sequence, a letter that is no nucleotide; a file without rows.
    """
    if path.is_dir():
        files = sorted(file for pattern in _FASTA_FILES for file in path.glob(pattern))
        examples = [one for file in files for one in _fasta(file, _stem(file))]
    elif path.name.removesuffix(".gz").endswith((".fa", ".fasta", ".fna")):
        examples = list(_fasta(path))
    else:
        examples = list(_table(path))
    if not examples:
        raise UserError(
            f"{path} holds no row of a task; give CSV with sequence and label, or FASTA"
        )
    return make_task(_stem(path), examples, str(path), seed)


def _stem(path: Path) -> str:
    name = path.name
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name


def _table(path: Path) -> Iterator[Example]:
    with _text(path) as text:
        reader = csv.DictReader(text, restval="")
        names = list(reader.fieldnames or ())
        for name in ("sequence", "label"):
            if name not in names:
                raise UserError(
                    f"{path}: line 1: there is no column '{name}', only {', '.join(names)}; a task "
                    "needs a header with sequence and label"
                )
        contig = next((name for name in names if name.startswith(("contig", "chrom"))), "")
        start = next((name for name in _STARTS if name in names), "")
        placed = bool(contig and start and "end" in names)
        try:
            for row in reader:
                where = f"{path}: line {reader.line_num}"
                place = None
                if placed:
                    place = _place(row[contig], row[start], row["end"], where)
                split = row["split"] if "split" in names else ""
                if "split" in names and split not in SPLITS:
                    raise UserError(
                        f"{where}: '{split}' is no split; there are {', '.join(SPLITS)}"
                    )
                yield _example(row["sequence"], row["label"], SPLITS.get(split, ""), place, where)
        except csv.Error as error:
            raise UserError(f"{path}: line {reader.line_num}: no CSV ({error})") from None


def _fasta(path: Path, label: str = "") -> Iterator[Example]:
    with _text(path) as text:
        try:
            for number, (title, letters) in enumerate(SimpleFastaParser(text), start=1):
                where = f"{path}: record {number}"
                own = label or title.rpartition("|")[2].strip()
                if not label and "|" not in title:
                    raise UserError(
                        f"{where}: the header should be NAME|LABEL, not '{title[:60]}'; or give a "
                        "folder of LABEL.fa"
                    )
                yield _example(letters, own, "", None, where)
        except ValueError as error:
            raise UserError(f"{path} is no FASTA file: {error}") from None


def _example(letters: str, label: str, split: str, place: Interval | None, where: str) -> Example:
    letters, label = letters.strip(), label.strip()
    if not (letters and label):
        raise UserError(f"{where}: the {'label' if letters else 'sequence'} is empty")
    try:
        codes = encode(letters)
    except NotNucleotides as error:
        raise UserError(f"{where}: {foreign_letter_reason(str(error))}") from None
    return Example(codes, label, split, place)


def _place(contig: str, start: str, end: str, where: str) -> Interval | None:
    if not (contig and start and end):
        return None
    try:
        place = Interval(contig, int(start), int(end))
    except ValueError:
        raise UserError(
            f"{where}: start and end must be whole numbers of bases, not '{start}' and '{end}'"
        ) from None
    if not 0 <= place.start < place.end:
        raise UserError(f"{where}: {start} to {end} is no range; starts count from 0")
    return place


class _text:
    """A file's lines as text, with the errors of `open_bytes`, and one when it is not text."""

    def __init__(self, path: Path):
        self._path = path
        self._bytes = open_bytes(path)

    def __enter__(self) -> io.TextIOWrapper:
        # TextIOWrapper takes any buffered byte stream; the type of GzipFile does not say so.
        stream = cast("Any", self._bytes.__enter__())
        self._stream = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        return self._stream

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool | None:
        self._stream.detach()
        if isinstance(error, UnicodeDecodeError):
            raise UserError(f"{self._path} is not a text file (UTF-8)") from None
        return self._bytes.__exit__(kind, error, trace)
