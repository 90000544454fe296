"""Read the genes and exons of a GTF file, to draw them beside a sequence."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genomenet.errors import UserError
from genomenet.genome.intervals import Interval
from genomenet.genome.opening import text_lines

_ATTRIBUTE = re.compile(r'(\w+)\s+"([^"]*)"')
_STRANDS = ("+", "-", ".")


@dataclass(frozen=True, slots=True)
class Feature:
    """One annotated feature.

    Attributes
    ----------
    interval : Interval
        0-based, half-open.
    kind : str
        Third column, such as "gene" or "exon".
    strand : str
        "+", "-" or ".".
    gene_name : str
        Falls back to the gene's identifier; empty when there is neither.
    gene_type : str
        Such as "protein_coding" (Ensembl's ``gene_biotype``); empty when absent.
    """

    interval: Interval
    kind: str
    strand: str
    gene_name: str
    gene_type: str


def read_gtf(path: str | Path, features: Sequence[str] = ("gene", "exon")) -> list[Feature]:
    """Read a GTF file (plain or gzip), whose 1-based closed ranges become 0-based half-open ones.

    Parameters
    ----------
    path : str or Path
        The file.
    features : sequence of str
        Which kinds (third column) to keep.

    Returns
    -------
    list of Feature
        In file order.

    Raises
    ------
    UserError
        With file and line: not nine columns, a range that is none, an unknown strand.
    """
    kept = set(features)
    found = []
    for number, line in text_lines(path):
        if not line.strip() or line.startswith("#"):
            continue
        columns = line.split("\t")
        where = f"{path}: line {number}"
        if len(columns) != 9:
            raise UserError(
                f"{where}: GTF has nine columns separated by tabs, but the line has "
                f"{len(columns)}; check that the file is GTF"
            )
        contig, _, kind, first, last, _, strand, _, attributes = columns
        if kind not in kept:
            continue
        if strand not in _STRANDS:
            raise UserError(f"{where}: the strand is {strand!r}, but it must be '+', '-' or '.'")
        interval = _interval(contig, first, last, where)
        found.append(Feature(interval, kind, strand, *_gene(attributes)))
    return found


def _interval(contig: str, first: str, last: str, where: str) -> Interval:
    try:
        start, end = int(first) - 1, int(last)
    except ValueError:
        raise UserError(
            f"{where}: start and end must be whole numbers of bases, not {first!r} and {last!r}"
        ) from None
    if not 0 <= start < end:
        raise UserError(
            f"{where}: {first} to {last} is no range; GTF counts from 1 and includes the end"
        )
    return Interval(contig, start, end)


def _gene(attributes: str) -> tuple[str, str]:
    values = dict(_ATTRIBUTE.findall(attributes))
    name = values.get("gene_name") or values.get("gene_id", "")
    return name, values.get("gene_type") or values.get("gene_biotype", "")
