"""Features of GenBank and EMBL files, which Biopython parses."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from genomenet.annotation.feature import Feature, normal_kind
from genomenet.errors import UserError
from genomenet.genome.intervals import Interval
from genomenet.genome.opening import open_bytes
from genomenet.genome.sources import flat_file_records

_STRANDS = {1: "+", -1: "-"}


class _Part:
    """One range of a location, in the direction of the strand."""

    def __init__(self, location: Any, contig: str) -> None:
        # A part may be on another record: J00194.1:100..202.
        self.interval = Interval(location.ref or contig, int(location.start), int(location.end))
        self.strand = _STRANDS.get(location.strand, ".")


def flat_file_features(path: str | Path, kind: str, kinds: frozenset[str]) -> Iterator[Feature]:
    """Stream the features of a GenBank or EMBL file.

    A ``join`` becomes a feature for each of its parts; of genes and transcripts one from end to
    end, or two when they go on behind the end of a circular record. The parts of a transcript
    are its exons.

    Parameters
    ----------
    path : str or Path
        Plain or gzip.
    kind : {"genbank", "embl"}
        See `genomenet.genome.sources.flat_file_format`.
    kinds : frozenset of str
        Which kinds to keep, under their common names.

    Yields
    ------
    Feature
        Record by record, in file order, the parts of a feature in the direction of its strand.

    Raises
    ------
    UserError
        A file that Biopython can't read, or a location or reading frame that is none.
    """
    path = Path(path)
    with open_bytes(path) as stream:
        for ordinal, record in enumerate(flat_file_records(stream, path, kind), start=1):
            for feature in record.features:
                if feature.location is None:
                    raise UserError(
                        f"{path}: record {ordinal}: a {feature.type} has a location that cannot "
                        "be read; check the file"
                    )
                where = f"{path}: record {ordinal}: {feature.type} at {feature.location}"
                yield from _features(feature, record.id, kinds, where)


def _features(feature: Any, contig: str, kinds: frozenset[str], where: str) -> Iterator[Feature]:
    kind, told = normal_kind(feature.type), feature.qualifiers
    if kind not in kinds and not (kind == "transcript" and "exon" in kinds):
        return
    parts = [_Part(part, contig) for part in feature.location.parts]
    name = _first(told, "gene", "locus_tag")
    gene_type = "pseudogene" if "pseudo" in told or "pseudogene" in told else ""
    shared = _first(told, "transcript_id", "protein_id", "locus_tag", "gene")
    if kind in {"gene", "transcript"} and kind in kinds:
        for interval, strand in _spans(parts):
            own = "" if kind == "gene" else shared
            yield Feature(interval, kind, strand, None, name, gene_type, own)
    if kind == "gene":
        return
    frame = _frame(told, where) if kind == "CDS" else None
    part_kind = "exon" if kind == "transcript" else kind
    for part in parts if part_kind in kinds else []:
        yield Feature(part.interval, part_kind, part.strand, frame, name, gene_type, shared)
        if frame is not None:
            frame = (frame - part.interval.length_bp) % 3


def _spans(parts: Sequence[_Part]) -> list[tuple[Interval, str]]:
    """From the first to the last base of what lies in one direction, introns included."""
    spans: list[tuple[Interval, str]] = []
    for part in parts:
        if spans:
            last, strand = spans[-1]
            now = part.interval
            backwards = now.end <= last.start if strand == "-" else now.start >= last.end
            if (now.contig, part.strand) == (last.contig, strand) and backwards:
                ends = min(last.start, now.start), max(last.end, now.end)
                spans[-1] = (Interval(now.contig, *ends), strand)
                continue
        spans.append((part.interval, part.strand))
    return spans


def _frame(told: dict[str, list[str]], where: str) -> int:
    start = told.get("codon_start", ["1"])[0]
    if start not in {"1", "2", "3"}:
        raise UserError(f"{where}: codon_start is {start!r}, but it must be 1, 2 or 3")
    return int(start) - 1


def _first(told: dict[str, list[str]], *keys: str) -> str:
    return next((told[key][0] for key in keys if told.get(key)), "")
