"""Which genomes make up a corpus: a table of them, or a folder or pattern of sequence files."""

import glob
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genomenet.errors import UserError, nearest
from genomenet.genome.opening import text_lines

_SEQUENCE_SUFFIXES = frozenset(
    (
        ".fa",
        ".fasta",
        ".fna",
        ".fas",
        ".ffn",
        ".frn",
        ".mfa",
        ".gb",
        ".gbk",
        ".gbff",
        ".embl",
        ".2bit",
    )
)
_COMPRESSED = (".gz", ".bgz")
_COLUMNS = ("name", "file", "species", "weight")
_REQUIRED = 2


@dataclass(frozen=True, slots=True)
class WantedMember:
    """A genome to be in a corpus.

    Attributes
    ----------
    name : str
        Of the member; unique, without white space and without a slash.
    file : Path
        FASTA, GenBank or EMBL, plain or compressed with gzip; or 2bit.
    species : str or None
        None when nothing is said about it.
    weight : float or None
        How often its species is to be drawn; None when nothing is said about it.
    where : str
        For error messages: the manifest and its line, or the file.
    """

    name: str
    file: Path
    species: str | None
    weight: float | None
    where: str


def read_members(sources: Sequence[str | Path]) -> list[WantedMember]:
    """Collect the genomes that manifests, folders, patterns and sequence files name.

    Parameters
    ----------
    sources : sequence of str or Path
        A tab-separated manifest with the header line ``name file`` and, if wanted, ``species``
        and ``weight``; its files are relative to its folder. Or a folder, searched through all
        its subfolders; a pattern such as ``genomes/*.fna.gz``; a sequence file. There the name is
        that of the file, without suffixes.

    Returns
    -------
    list of WantedMember
        Sorted by name.

    Raises
    ------
    UserError
        With manifest and line: a column that is missing or unknown, a name that is empty, twice,
        or has a slash or white space in it, a file that does not exist, a weight that is no
        number from 0, or two weights for one species. Also when there is no genome at all.
    """
    members: dict[str, WantedMember] = {}
    for source in sources:
        for member in _members_of(source):
            other = members.setdefault(member.name, member)
            if other is not member:
                raise UserError(
                    f"{member.where}: the name '{member.name}' is already that of {other.file} "
                    f"({other.where}); give each genome its own name, in a manifest"
                )
    if not members:
        raise UserError("no genome was named; give a manifest, a folder or sequence files")
    _check_weights(members.values())
    return [members[name] for name in sorted(members)]


def _members_of(source: str | Path) -> Iterator[WantedMember]:
    path = Path(source)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if _is_sequence(file, path))
        if not files:
            raise UserError(
                f"{path} holds no sequence file (such as .fa, .fna.gz or .gbff); give another "
                "folder, or a manifest"
            )
    elif path.exists():
        if _stem(path) is None:
            yield from _manifest(path)
            return
        files = [path]
    else:
        # Path.glob takes no absolute pattern.
        files = [Path(name) for name in sorted(glob.glob(str(source), recursive=True))]  # noqa: PTH207
        if not files:
            raise UserError(f"{source} does not exist; give a manifest, a folder or files")
    for file in files:
        name = _stem(file)
        if name is None:
            raise UserError(
                f"{file} is no sequence file by its suffix; name it in a manifest, or leave it out"
            )
        _check_name(name, str(file))
        yield WantedMember(name, file, None, None, str(file))


def _manifest(path: Path) -> Iterator[WantedMember]:
    columns: list[str] = []
    for number, line in text_lines(path):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{path}: line {number}"
        cells = [cell.strip() for cell in line.split("\t")]
        if not columns:
            columns = _header(cells, where)
            continue
        if len(cells) > len(columns):
            raise UserError(
                f"{where}: there are {len(cells)} columns, but the header has {len(columns)}; "
                "separate columns by one tab each"
            )
        row = dict(zip(columns, cells, strict=False))
        _check_name(row["name"], where)
        if not row.get("file"):
            raise UserError(f"{where}: the genome '{row['name']}' has no file; name one")
        file = path.parent / row["file"]
        if not file.is_file():
            raise UserError(f"{where}: the file {file} does not exist; check the path")
        yield WantedMember(
            row["name"], file, row.get("species") or None, _weight(row, where), where
        )
    if not columns:
        raise UserError(f"{path} is empty; give a header line 'name<tab>file' and a line a genome")


def _header(cells: list[str], where: str) -> list[str]:
    missing = [name for name in _COLUMNS[:_REQUIRED] if name not in cells]
    if missing:
        raise UserError(
            f"{where}: the header has no column '{missing[0]}'; a manifest is tab-separated, with "
            "the columns name, file and, if wanted, species and weight"
        )
    for i, cell in enumerate(cells):
        if cell not in _COLUMNS or cell in cells[:i]:
            what = "twice" if cell in cells[:i] else "unknown"
            raise UserError(
                f"{where}: the column '{cell}' is {what}"
                + (nearest(cell, _COLUMNS) or f"; columns are {', '.join(_COLUMNS)}")
            )
    return cells


def _check_name(name: str, where: str) -> None:
    if not name or "/" in name or any(letter.isspace() for letter in name):
        raise UserError(
            f"{where}: '{name}' can't be the name of a genome; give one without slashes and white "
            "space, in a manifest"
        )


def _weight(row: dict[str, str], where: str) -> float | None:
    if not row.get("weight"):
        return None
    try:
        weight = float(row["weight"])
    except ValueError:
        weight = math.nan
    if not 0 <= weight < math.inf:
        raise UserError(f"{where}: the weight is '{row['weight']}'; give a number from 0 on")
    return weight


def _check_weights(members: Iterable[WantedMember]) -> None:
    """A weight is that of a species: windows of one species are drawn alike."""
    known: dict[str, WantedMember] = {}
    for member in members:
        species = member.species or member.name
        if member.weight is not None:
            other = known.setdefault(species, member)
            if other.weight != member.weight:
                raise UserError(
                    f"{member.where}: the weight of '{species}' is {member.weight:g} here "
                    f"and {other.weight:g} in {other.where}; a species has one weight"
                )


def _is_sequence(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return not hidden and _stem(file) is not None and file.is_file()


def _stem(file: Path) -> str | None:
    """The name of a sequence file without suffixes, None when it is none by its suffix."""
    name = file.name
    for suffix in _COMPRESSED:
        name = name.removesuffix(suffix)
    path = Path(name)
    return path.stem if path.suffix.lower() in _SEQUENCE_SUFFIXES else None
