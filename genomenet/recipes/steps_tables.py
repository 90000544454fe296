"""Steps that gather the files of published task suites: one table a task, all in one layout."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from genomenet.errors import UserError
from genomenet.genome.alphabet import NotNucleotides, encode
from genomenet.genome.opening import text_lines
from genomenet.recipes.csv_tables import csv_rows
from genomenet.recipes.kitchen import Kitchen, stays_inside
from genomenet.recipes.parquet import parquet_rows
from genomenet.recipes.whole_gzip import whole_gzip

COLUMNS = ("split", "label", "sequence")
SPLITS = {
    "train": "train", "dev": "valid", "valid": "valid", "validation": "valid", "val": "valid",
    "test": "test",
}  # fmt: skip

_LONGEST_BYTES = 1 << 24
"""Of a sequence in a zip file: a few kilobytes may unpack to more than there is memory."""

Example = tuple[str, str, str]
"""Split, label, sequence."""


def collect_tables(kitchen: Kitchen, files: str, into: str = "tasks") -> list[Path]:
    """Gather files TASK/SPLIT.csv, .parquet or FASTA into one table for each task.

    Parameters
    ----------
    kitchen : Kitchen
        Where to work.
    files : str
        Pattern of the fetched files. CSV and parquet have columns sequence and label; FASTA
        headers are NAME|LABEL.
    into : str
        Folder of the tables, TASK.csv.gz with columns split, label and sequence.

    Raises
    ------
    UserError
        With file and row: a missing column, a name that is no split, a letter that is no base.
    """
    tasks: dict[str, list[Path]] = {}
    for name in kitchen.matching(files):
        path = PurePosixPath(name)
        if len(path.parts) < 2 or path.name.split(".")[0] not in SPLITS:
            raise UserError(
                f"{kitchen.folder / name}: a file of a task is called TASK/SPLIT.csv, with a split "
                f"of {', '.join(SPLITS)}"
            )
        tasks.setdefault(path.parts[-2], []).append(kitchen.folder / name)
    return [
        _write(kitchen, task, into, (row for path in paths for row in _examples(path)))
        for task, paths in tasks.items()
    ]


def collect_sequences(kitchen: Kitchen, files: str, into: str = "tasks") -> list[Path]:
    """Gather zip files of TASK/SPLIT/LABEL/NAME.txt, a sequence each, into one table a task.

    Parameters
    ----------
    kitchen : Kitchen
        Where to work.
    files : str
        Pattern of the fetched zip files; each holds one task.
    into : str
        Folder of the tables.

    Raises
    ------
    UserError
        A file that is no such archive, a letter that is no base.
    """
    made = []
    for name in kitchen.matching(files):
        path = kitchen.folder / name
        try:
            with zipfile.ZipFile(path) as archive:
                task, members = _members(path, archive)
                made.append(_write(kitchen, task, into, _read_members(path, archive, members)))
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise UserError(f"{path} is a damaged zip file ({error}); fetch it again") from None
    return made


def _members(path: Path, archive: zipfile.ZipFile) -> tuple[str, list[str]]:
    names = sorted(name for name in archive.namelist() if name.endswith(".txt"))
    places = [PurePosixPath(name).parts for name in names]
    tasks = {parts[-4] for parts in places if len(parts) >= 4}
    one_task = len(tasks) == 1 and all(len(parts) >= 4 for parts in places)
    # The table is named after the task.
    if not one_task or not all(map(stays_inside, tasks)):
        raise UserError(
            f"{path} should hold one task as TASK/SPLIT/LABEL/NAME.txt, but it holds "
            f"{', '.join(sorted(tasks)) or 'no such file'}; fetch it again"
        )
    return tasks.pop(), names


def _read_members(path: Path, archive: zipfile.ZipFile, names: list[str]) -> Iterator[Example]:
    for name in names:
        split, label = PurePosixPath(name).parts[-3:-1]
        if (size_bytes := archive.getinfo(name).file_size) > _LONGEST_BYTES:
            raise UserError(
                f"{path}: {name} has {size_bytes:,} bytes, more than a sequence of a task; "
                "fetch it again"
            )
        sequence = archive.read(name).decode("latin-1").strip()
        yield _example(split, label, sequence, f"{path}: {name}")


def _examples(path: Path) -> Iterator[Example]:
    split = path.name.split(".")[0]
    plain = path.name.removesuffix(".gz")
    rows: Iterator[tuple[str, str]]
    if plain.endswith(".parquet"):
        rows = ((str(row["label"]), row["sequence"]) for row in parquet_rows(path, COLUMNS[1:]))
    elif plain.endswith(".csv"):
        rows = ((row["label"], row["sequence"]) for row in csv_rows(path, COLUMNS[1:]))
    else:
        rows = _fasta_rows(path)
    for number, (label, sequence) in enumerate(rows, start=1):
        yield _example(split, label, sequence, f"{path}: row {number}")


def _fasta_rows(path: Path) -> Iterator[tuple[str, str]]:
    label, letters = "", io.StringIO()
    for number, line in text_lines(path):
        if line.startswith(">"):
            if letters.tell():
                yield label, letters.getvalue()
            name, bar, label = line[1:].strip().rpartition("|")
            if not (name and bar and label):
                raise UserError(f"{path}: line {number}: the header should be NAME|LABEL")
            letters = io.StringIO()
        else:
            letters.write(line.strip())
    if letters.tell():
        yield label, letters.getvalue()


def _example(split: str, label: str, sequence: str, where: str) -> Example:
    if split not in SPLITS:
        raise UserError(f"{where}: '{split}' is no split; there are {', '.join(SPLITS)}")
    sequence = sequence.strip().upper()
    try:
        encode(sequence)
    except NotNucleotides as error:
        raise UserError(f"{where}: the letter '{error}' is no nucleotide; fetch it again") from None
    if not (label and sequence):
        raise UserError(f"{where}: a label and a sequence are needed; fetch it again")
    return SPLITS[split], label, sequence


def _write(kitchen: Kitchen, task: str, into: str, examples: Iterator[Example]) -> Path:
    target = kitchen.folder / into / f"{task}.csv.gz"
    counts: dict[str, int] = {}
    with whole_gzip(target) as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)
        for example in examples:
            writer.writerow(example)
            counts[example[0]] = counts.get(example[0], 0) + 1
    kitchen.tell(f"{target}: " + ", ".join(f"{n:,} {split}" for split, n in counts.items()))
    return target
