"""One annotated feature, its kind under a common name, and the nine columns of GTF and GFF3."""

from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from genomenet.errors import UserError
from genomenet.genome.intervals import Interval

_STRANDS = {"+": "+", "-": "-", ".": ".", "?": "."}
_FRAMES = {"0": 0, "1": 1, "2": 2, ".": None}
_KINDS = {
    "cds": "CDS",
    "exon": "exon",
    "pseudogenic_exon": "exon",
    "noncoding_exon": "exon",
    "coding_exon": "exon",
    "start_codon": "start_codon",
    "stop_codon": "stop_codon",
    "utr": "UTR",
    "five_prime_utr": "five_prime_UTR",
    "5utr": "five_prime_UTR",
    "5'utr": "five_prime_UTR",
    "three_prime_utr": "three_prime_UTR",
    "3utr": "three_prime_UTR",
    "3'utr": "three_prime_UTR",
}


class Feature(NamedTuple):
    """One annotated feature.

    Attributes
    ----------
    interval : Interval
        0-based, half-open, under the file's name of the contig.
    kind : str
        gene, transcript, exon, CDS, five_prime_UTR, three_prime_UTR, UTR, start_codon or
        stop_codon, whatever the format calls it; other kinds as the file has them. The stop codon
        is part of the CDS in GFF3 and GenBank, and is not in GTF.
    strand : str
        "+", "-", or "." when it isn't told.
    frame : int or None
        Of a CDS: bases, in the direction of the strand, before the first whole codon (0, 1 or 2);
        None when it isn't told.
    gene_name : str
        Falls back to the gene's identifier; empty when there is neither.
    gene_type : str
        Such as "protein_coding"; "pseudogene" where the file marks it otherwise; empty when
        absent.
    transcript : str
        What exons, CDS and UTR of one transcript share: its identifier, or where the file has no
        transcript between, that of the coding sequence or gene. Empty for genes, and when it
        isn't told.
    """

    interval: Interval
    kind: str
    strand: str
    frame: int | None
    gene_name: str
    gene_type: str
    transcript: str


@cache
def normal_kind(kind: str) -> str:
    """Return the common name of a kind: of "mRNA" or "tRNA" transcript, of "pseudogene" gene.

    Kinds without a common name are returned as they are.
    """
    lower = kind.lower()
    if lower.endswith(("transcript", "rna", "gene_segment")):
        return "transcript"
    if lower.endswith("gene"):
        return "gene"
    return _KINDS.get(lower, kind)


def nine_columns(line: str, path: str | Path, number: int) -> list[str]:
    """Split a line of GTF or GFF3, or raise UserError that names file and line."""
    columns = line.split("\t")
    if len(columns) != 9:
        raise UserError(
            f"{path}: line {number}: GTF and GFF3 have nine columns separated by tabs, but the "
            f"line has {len(columns)}; check that the file is one of them"
        )
    return columns


def place(columns: list[str], path: str | Path, number: int) -> tuple[Interval, str, int | None]:
    """Interval, strand and frame of the nine columns of a line.

    Raises
    ------
    UserError
        With file and line: a range that is none, an unknown strand or frame.
    """
    contig, _, _, first, last, _, strand, frame, _ = columns
    try:
        return _place(contig, first, last, strand, frame)
    except (ValueError, KeyError):
        mistake = _mistake(first, last, strand, frame)
    raise UserError(f"{path}: line {number}: {mistake}")


# Transcripts of a gene share most of their exons, so that half of the rows are at known places.
@lru_cache(1 << 12)
def _place(
    contig: str, first: str, last: str, strand: str, frame: str
) -> tuple[Interval, str, int | None]:
    start, end = int(first) - 1, int(last)
    if not 0 <= start < end:
        raise ValueError
    return Interval(contig, start, end), _STRANDS[strand], _FRAMES[frame]


def _mistake(first: str, last: str, strand: str, frame: str) -> str:
    try:
        start, end = int(first), int(last)
    except ValueError:
        return f"start and end must be whole numbers of bases, not {first!r} and {last!r}"
    if not 1 <= start <= end:
        return f"{first} to {last} is no range; GTF and GFF3 count from 1 and include the end"
    if strand not in _STRANDS:
        return f"the strand is {strand!r}, but it must be '+', '-' or '.'"
    return f"the frame is {frame!r}, but it must be '0', '1', '2' or '.'"
