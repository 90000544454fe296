"""From the annotated features of a contig to the ranges of its region classes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from genomenet.annotation.feature import Feature
from genomenet.annotation.region_classes import (
    ACCEPTOR,
    DONOR,
    INTRON,
    NONCODING_EXON,
    PROMOTER,
    SHORTEST_INTRON_BP,
    SPLICE_SITE_BP,
    UTR,
    UTR_3,
    UTR_5,
)

KINDS = (
    "gene",
    "transcript",
    "exon",
    "CDS",
    "five_prime_UTR",
    "three_prime_UTR",
    "UTR",
    "start_codon",
    "stop_codon",
)
"""The kinds of features that decide over classes."""

_EXONIC = {"exon", "CDS", "five_prime_UTR", "three_prime_UTR", "UTR", "stop_codon"}
_CODING = {"CDS", "stop_codon"}

Range = tuple[int, int]


class CodingPiece(NamedTuple):
    """A stretch of coding sequence within one exon.

    `frame` is the number of bases before its first whole codon, counted along its strand, or None
    when the annotation doesn't tell.
    """

    start: int
    end: int
    strand: str
    frame: int | None
    gene: str


@dataclass
class ContigRegions:
    """What the annotation says of one contig: ranges may overlap, and come in any order.

    Attributes
    ----------
    ranges : dict
        From class and strand to ranges, 0-based and half-open.
    coding : set of CodingPiece
        Coding sequence, of which each base has a place in its codon.
    """

    ranges: dict[tuple[str, str], set[Range]] = field(default_factory=lambda: defaultdict(set))
    coding: set[CodingPiece] = field(default_factory=set)


def contig_regions(
    features: Iterable[Feature], length_bp: int, upstream_bp: int, downstream_bp: int
) -> ContigRegions:
    """Sort the features of one contig into classes.

    Parameters
    ----------
    features : iterable of Feature
        Of one contig, all within it, of the kinds in `KINDS`.
    length_bp : int
        Length of the contig, which promoters don't leave.
    upstream_bp, downstream_bp : int
        A promoter reaches from `upstream_bp` before the first base of a transcript to
        `downstream_bp` into it.
    """
    genes: dict[tuple[str, str], list[Feature]] = defaultdict(list)
    for feature in features:
        genes[feature.strand, feature.gene_name].append(feature)
    regions = ContigRegions()
    for (strand, _), rows in genes.items():
        works = not any(_is_pseudogene(row.gene_type) for row in rows)
        _add_gene(regions, strand, rows, works)
        # Copies that don't work have lost what starts, splices and translates them.
        if works:
            _add_promoters(regions, strand, rows, length_bp, upstream_bp, downstream_bp)
            _add_splice_sites(regions, strand, rows)
    return regions


def joined(ranges: Iterable[Range], gap_bp: int = 0) -> list[Range]:
    """Sort ranges and join those that overlap or are at most `gap_bp` apart."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1] + gap_bp:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def _is_pseudogene(gene_type: str) -> bool:
    # A polymorphic one works in some people.
    return "pseudogene" in gene_type and gene_type != "polymorphic_pseudogene"


def _add_gene(regions: ContigRegions, strand: str, rows: Sequence[Feature], works: bool) -> None:
    """Introns, exons, untranslated and coding sequence of the rows of one gene."""
    for transcript, own in _by_transcript(rows).items():
        exons = _exons(own)
        regions.ranges[NONCODING_EXON, strand].update(exons)
        # Exons are painted over introns, so these are what is left of a transcript.
        if transcript and exons:
            regions.ranges[INTRON, strand].add((exons[0][0], exons[-1][1]))
        if transcript and works:
            _add_untranslated(regions, strand, own, exons)
    regions.ranges[INTRON, strand].update(
        _range(row) for row in rows if row.kind in {"gene", "transcript"}
    )
    if works:
        _add_sided_rows(regions, strand, rows)
        _add_coding(regions, rows)


def _add_untranslated(
    regions: ContigRegions, strand: str, rows: Sequence[Feature], exons: Sequence[Range]
) -> None:
    """The exons of a coding transcript before and after its coding sequence."""
    coding = [_range(row) for row in rows if row.kind in _CODING]
    if not coding or strand not in {"+", "-"}:
        return
    first, last = min(start for start, _ in coding), max(end for _, end in coding)
    before, after = (UTR_5, UTR_3) if strand == "+" else (UTR_3, UTR_5)
    for start, end in exons:
        if start < first:
            regions.ranges[before, strand].add((start, min(end, first)))
        if end > last:
            regions.ranges[after, strand].add((max(start, last), end))


def _add_sided_rows(regions: ContigRegions, strand: str, rows: Sequence[Feature]) -> None:
    """Rows of untranslated sequence, of which old GENCODE doesn't tell the side."""
    unsided = []
    for row in rows:
        if row.kind == "five_prime_UTR":
            regions.ranges[UTR_5, strand].add(_range(row))
        elif row.kind == "three_prime_UTR":
            regions.ranges[UTR_3, strand].add(_range(row))
        elif row.kind == "UTR" and not row.transcript:
            unsided.append(_range(row))
    if not unsided:
        return
    coding = {_range(row) for row in rows if row.kind == "CDS"}
    starts = {_range(row) for row in rows if row.kind == "start_codon"} or coding
    stops = {_range(row) for row in rows if row.kind == "stop_codon"} or coding
    coding_starts = {start for start, _ in coding | stops}
    coding_ends = {end for _, end in coding | stops}
    for start, end in unsided:
        left, right = end in coding_starts, start in coding_ends
        if left == right:
            # It touches no coding sequence of the gene. Left of a start of translation and of
            # every end, it is on the side that the start is on.
            ahead, behind = (starts, stops) if strand == "+" else (stops, starts)
            left = any(end <= codon for codon, _ in ahead)
            right = any(codon <= start for _, codon in behind)
        if left == right or strand not in {"+", "-"}:
            name = UTR
        else:
            name = UTR_5 if left == (strand == "+") else UTR_3
        regions.ranges[name, strand].add((start, end))


def _add_coding(regions: ContigRegions, rows: Sequence[Feature]) -> None:
    """Coding sequence, stop codons included whether or not the file counts them to it."""
    starts = {
        row.interval.start if row.strand == "+" else row.interval.end
        for row in rows
        if row.kind == "start_codon"
    }
    # Files differ in whether coding sequence ends before or after it.
    stops = {
        end
        for row in rows
        if row.kind == "stop_codon" and row.interval.length_bp == 3
        for end in _range(row)
    }
    for row in rows:
        if row.kind not in _CODING:
            continue
        (start, end), frame = _range(row), row.frame
        head, tail = (start, end) if row.strand == "+" else (end, start)
        if frame is None and row.kind == "stop_codon" and end - start == 3:
            frame = 0
        if frame is None and row.kind == "CDS" and head in starts:
            frame = 0
        if frame is None and row.kind == "CDS" and tail in stops:
            frame = (end - start) % 3
        regions.coding.add(CodingPiece(start, end, row.strand, frame, row.gene_name))


def _add_promoters(
    regions: ContigRegions,
    strand: str,
    rows: Sequence[Feature],
    length_bp: int,
    upstream_bp: int,
    downstream_bp: int,
) -> None:
    spans = {_range(row) for row in rows if row.kind == "transcript"}
    spans = spans or {_range(row) for row in rows if row.kind == "gene"}
    for start, end in spans or _extents(rows):
        if strand == "+":
            first, last = start - upstream_bp, start + downstream_bp
        elif strand == "-":
            first, last = end - downstream_bp, end + upstream_bp
        else:
            continue
        if max(first, 0) < min(last, length_bp):
            regions.ranges[PROMOTER, strand].add((max(first, 0), min(last, length_bp)))


def _add_splice_sites(regions: ContigRegions, strand: str, rows: Sequence[Feature]) -> None:
    """The first and last two bases of every intron."""
    if strand not in {"+", "-"}:
        return
    left, right = (DONOR, ACCEPTOR) if strand == "+" else (ACCEPTOR, DONOR)
    for transcript, own in _by_transcript(rows).items():
        if transcript:
            exons = _exons(own)
            ends, starts = {end for _, end in exons[:-1]}, {start for start, _ in exons[1:]}
        else:
            ends, starts = _inner_ends(rows)
        regions.ranges[left, strand].update((end, end + SPLICE_SITE_BP) for end in ends)
        regions.ranges[right, strand].update((start - SPLICE_SITE_BP, start) for start in starts)


def _inner_ends(rows: Sequence[Feature]) -> tuple[set[int], set[int]]:
    """Where exons of unnamed transcripts end and start, other than where transcripts do.

    An exon that ends where none of the gene's transcripts ends is followed by an intron.
    """
    spans = {_range(row) for row in rows if row.kind in {"gene", "transcript"}} or _extents(rows)
    exons = {_range(row) for row in rows if row.kind == "exon" and not row.transcript}
    first, last = (min(s for s, _ in spans), max(e for _, e in spans)) if spans else (0, 0)
    ends = {end for _, end in exons} - {end for _, end in spans}
    starts = {start for start, _ in exons} - {start for start, _ in spans}
    return {end for end in ends if end < last}, {start for start in starts if start > first}


def _by_transcript(rows: Sequence[Feature]) -> dict[str, list[Feature]]:
    found: dict[str, list[Feature]] = defaultdict(list)
    for row in rows:
        if row.kind in _EXONIC:
            found[row.transcript].append(row)
    return found


def _exons(rows: Iterable[Feature]) -> list[Range]:
    return joined((_range(row) for row in rows), SHORTEST_INTRON_BP - 1)


def _extents(rows: Sequence[Feature]) -> set[Range]:
    """From the first to the last base of each transcript, by its exons."""
    found = (_exons(own) for own in _by_transcript(rows).values())
    return {(exons[0][0], exons[-1][1]) for exons in found if exons}


def _range(row: Feature) -> Range:
    return row.interval.start, row.interval.end
