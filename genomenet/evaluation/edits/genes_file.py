"""Read genes with essentiality labels: their places, or their names beside an annotation."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genomenet.annotation.annotation import annotation_features
from genomenet.annotation.feature import Feature
from genomenet.errors import UserError
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.opening import text_lines

_PLACES = ("contig", "start", "end", "strand", "label")
_NAMES = ("gene", "label")


@dataclass(frozen=True)
class Gene:
    """A coding sequence with a label.

    Attributes
    ----------
    contig : str
        The genome's own name.
    start, end : int
        0-based, half-open, whatever the strand.
    strand : {"+", "-"}
        Which one it is read on.
    label : int
        1 for essential.
    organism : str
        Groups the macro mean; the contig when the table has no such column.
    """

    contig: str
    start: int
    end: int
    strand: str
    label: int
    organism: str


def read_genes(
    path: Path, names: ContigNames, annotation: str, skipped: Counter[str]
) -> list[Gene]:
    """Read a table of genes, CSV or TSV.

    Parameters
    ----------
    path : Path
        With columns contig, start (from 0), end, strand, label; or, beside an annotation, gene
        and label. A column organism may be there.
    names : ContigNames
        Of the genome.
    annotation : str
        GTF, GFF3, GenBank or EMBL that tells where genes of that name are coded; empty for none.
    skipped : Counter
        Told which genes are left out, by reason.

    Raises
    ------
    UserError
        With file and line: a missing column, or a row that is no gene of the genome.
    """
    places = _coding(annotation, names) if annotation else {}
    genes = []
    for number, row in _rows(path, _NAMES if annotation else _PLACES):
        where = f"{path}: line {number}"
        if row["label"] not in {"0", "1"}:
            raise UserError(f"{where}: the label is '{row['label']}'; give 1 for essential, else 0")
        if not annotation:
            genes.append(_placed(row, names, where))
            continue
        found = places.get(row["gene"], set())
        if len(found) != 1:
            reason = "in more than one piece or place" if found else "not in the annotation"
            skipped[f"genes {reason}"] += 1
            continue
        contig, start, end, strand = next(iter(found))
        organism = row.get("organism", "") or contig
        genes.append(Gene(contig, start, end, strand, int(row["label"]), organism))
    return genes


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    lines = text_lines(path)
    _, first = next(lines, (0, ""))
    separator = "\t" if "\t" in first else ","
    header = [name.strip().lower() for name in first.strip().split(separator)]
    missing = [name for name in needed if name not in header]
    if missing:
        hint = "" if needed == _NAMES else "; with gene and label alone, give --annotation"
        raise UserError(f"{path}: the header has no column {', '.join(missing)}; name it so{hint}")
    for number, line in lines:
        if not line.strip():
            continue
        cells = next(csv.reader([line.rstrip("\r\n")], delimiter=separator))
        if len(cells) != len(header):
            raise UserError(
                f"{path}: line {number}: {len(cells)} columns, and the header has {len(header)}"
            )
        yield number, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}


def _placed(row: dict[str, str], names: ContigNames, where: str) -> Gene:
    try:
        contig = names.resolve(row["contig"])
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    try:
        start, end = int(row["start"]), int(row["end"])
        sound = row["strand"] in {"+", "-"} and 0 <= start < end <= names.lengths_bp[contig]
    except ValueError:
        sound = False
    if not sound:
        raise UserError(
            f"{where} is no gene of this genome; give start (from 0) before end within the "
            "contig, strand + or -"
        )
    organism = row.get("organism", "") or contig
    return Gene(contig, start, end, row["strand"], int(row["label"]), organism)


def _coding(annotation: str, names: ContigNames) -> dict[str, set[tuple[str, int, int, str]]]:
    """Where each gene name is coded; several places for a gene in pieces, or with namesakes."""
    pieces: dict[str, set[tuple[str, int, int, str]]] = defaultdict(set)
    for feature in annotation_features(annotation, {"CDS"}):
        contig = names.find(feature.interval.contig)
        if contig is not None and feature.strand in {"+", "-"} and feature.gene_name:
            pieces[feature.gene_name].add(_place(contig, feature))
    return pieces


def _place(contig: str, feature: Feature) -> tuple[str, int, int, str]:
    return contig, feature.interval.start, feature.interval.end, feature.strand
