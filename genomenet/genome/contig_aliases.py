"""Read tables of what contigs are called: UCSC's chromAlias.txt, NCBI's assembly reports, TSV."""

from collections.abc import Iterator
from pathlib import Path

from genomenet.errors import UserError
from genomenet.genome.opening import text_lines

_REPORT_HEADER = "# Sequence-Name\t"
_REPORT_NAMES = ("Sequence-Name", "GenBank-Accn", "RefSeq-Accn", "UCSC-style-name")
_NONE = ("", "na", "n/a", ".")


def read_aliases(path: str | Path) -> Iterator[list[str]]:
    """Stream the names of one contig after the other.

    Parameters
    ----------
    path : str or Path
        Plain or gzip. In NCBI's ``assembly_report.txt``, told by its ``# Sequence-Name`` header,
        the columns of names are read, and the number of the molecule for whole chromosomes. In
        any other file all columns of a line, apart by tabs (or by blanks where there is no tab),
        are names of the same contig; lines that begin with '#' are left out.

    Yields
    ------
    list of str
        At least one name.

    Raises
    ------
    UserError
        A file that can't be read or holds no line of names.
    """
    columns: list[str] | None = None
    empty = True
    for _, line in text_lines(path):
        if line.startswith(_REPORT_HEADER):
            columns = line[1:].strip().split("\t")
        if line.startswith("#"):
            continue
        cells = [cell.strip() for cell in (line.split("\t") if "\t" in line else line.split())]
        names = cells if columns is None else _report_names(dict(zip(columns, cells, strict=False)))
        names = [name for name in names if name.lower() not in _NONE]
        if names:
            empty = False
            yield names
    if empty:
        raise UserError(
            f"{path} holds no names of contigs; give UCSC's chromAlias.txt, NCBI's "
            "assembly_report.txt, or lines of names of the same contig, apart by tabs"
        )


def _report_names(row: dict[str, str]) -> list[str]:
    names = [row.get(column, "") for column in _REPORT_NAMES]
    if row.get("Sequence-Role") == "assembled-molecule":
        # Of a scaffold this is the chromosome that it is thought to lie on.
        names.append(row.get("Assigned-Molecule", ""))
    return names
