"""The step that turns published annotation tables into BED: repeats, CpG islands, cCREs."""

from collections.abc import Callable
from pathlib import Path

from genomenet.errors import UserError
from genomenet.genome.opening import text_lines
from genomenet.recipes.kitchen import Kitchen
from genomenet.recipes.whole_gzip import whole_gzip

Row = tuple[str, int, int, str, str]
"""Contig, start (0-based), end, name, strand."""


def make_bed(kitchen: Kitchen, table: str, columns: str, into: str) -> list[Path]:
    """Write a table as BED6, gzip: contig, start, end, name, 0, strand.

    Parameters
    ----------
    kitchen : Kitchen
        Where to work.
    table : str
        Fetched file, plain or gzip.
    columns : str
        How the table is laid out: a name of `LAYOUTS`.
    into : str
        Name of the BED file.

    Raises
    ------
    UserError
        A row that does not fit the layout, named by its line.
    """
    if columns not in LAYOUTS:
        raise UserError(
            f"{kitchen.folder.name}: there is no table layout '{columns}'; there are "
            f"{', '.join(LAYOUTS)}"
        )
    source, target = kitchen.file(table), kitchen.folder / into
    read_row = LAYOUTS[columns]
    rows = 0
    with whole_gzip(target) as handle:
        for number, line in text_lines(source):
            try:
                row = read_row(line)
            except (ValueError, IndexError):
                raise UserError(
                    f"{source}: line {number}: this is no row of a {columns} table: {line[:60]!r}; "
                    "fetch the file again"
                ) from None
            if row is not None:
                contig, start, end, name, strand = row
                handle.write(f"{contig}\t{start}\t{end}\t{name}\t0\t{strand}\n")
                rows += 1
        if rows == 0:
            raise UserError(f"{source} has no rows; fetch the file again")
    kitchen.tell(f"{target}: {rows:,} intervals")
    return [target]


def _rmsk(line: str) -> Row:
    """UCSC's RepeatMasker table; its starts are 0-based."""
    fields = line.split("\t")
    name, repeat_class, family = fields[10:13]
    return _checked(fields[5], int(fields[6]), int(fields[7]),
                    f"{repeat_class}/{family}/{name}", fields[9])  # fmt: skip


def _rmsk_out(line: str) -> Row | None:
    """RepeatMasker's own output: three header lines, blanks between columns, starts from 1."""
    fields = line.split()
    if not fields or fields[0] in {"SW", "score"}:
        return None
    family = fields[10] if "/" in fields[10] else f"{fields[10]}/{fields[10]}"
    strand = {"+": "+", "C": "-"}.get(fields[8], "?")
    return _checked(fields[4], int(fields[5]) - 1, int(fields[6]), f"{family}/{fields[9]}", strand)


def _cpg(line: str) -> Row:
    """UCSC's cpgIslandExt table; its starts are 0-based."""
    fields = line.split("\t")
    return _checked(fields[1], int(fields[2]), int(fields[3]), f"CpG_{int(fields[6])}", ".")


def _ccre(line: str) -> Row:
    """ENCODE's registry: already BED, with two accessions before the class."""
    fields = line.split("\t")
    return _checked(fields[0], int(fields[1]), int(fields[2]), fields[5], ".")


def _checked(contig: str, start: int, end: int, name: str, strand: str) -> Row:
    if not (contig and name and 0 <= start < end and strand in {"+", "-", "."}):
        raise ValueError
    return contig, start, end, name.replace(" ", "_"), strand


LAYOUTS: dict[str, Callable[[str], Row | None]] = {
    "rmsk": _rmsk,
    "rmsk_out": _rmsk_out,
    "cpgIslandExt": _cpg,
    "ccre": _ccre,
}
