"""Features of a GFF3 file, with the gene and transcript that their parents lead to."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from genomenet.annotation.feature import Feature, nine_columns, normal_kind, place
from genomenet.genome.intervals import Interval

_LONGEST_LINEAGE = 10


class _Told(NamedTuple):
    """What a row tells, or it and the rows above it do; `parent` is "" at the top."""

    gene_name: str
    gene_type: str
    transcript: str
    parent: str


class _Lineages:
    """Genes and transcripts by their ID, and what each leads to."""

    def __init__(self) -> None:
        self._rows: dict[str, _Told] = {}
        self._found: dict[str, _Told] = {}

    def add(self, name: str, row: _Told) -> None:
        """Take in a gene or transcript."""
        self._rows[name] = row

    def find(self, name: str, *, whole: bool) -> _Told | None:
        """What `name` leads to; None when it is unknown, or with `whole` one above it is."""
        found = self._found.get(name)
        if found is not None:
            return found
        if name not in self._rows:
            return None
        told = self._rows[name]
        # Bounded, for a damaged file may lead in a circle.
        for _ in range(_LONGEST_LINEAGE):
            above = self._rows.get(told.parent)
            if above is None:
                break
            told = _Told(
                told.gene_name or above.gene_name,
                told.gene_type or above.gene_type,
                told.transcript,
                above.parent,
            )
        if not told.parent:
            self._found[name] = told
        return None if told.parent and whole else told


def gff3_features(
    lines: Iterable[tuple[int, str]], path: str | Path, kinds: frozenset[str]
) -> Iterator[Feature]:
    """Stream the features of a GFF3 file (Ensembl, GENCODE, NCBI, Prokka), to its end or FASTA.

    A row with several parents becomes a feature for each. On a contig that is marked circular, a
    feature that goes on behind its end becomes two, the second one from the contig's start.

    Parameters
    ----------
    lines : iterable of (int, str)
        Line numbers and lines.
    path : str or Path
        For error messages.
    kinds : frozenset of str
        Which kinds to keep, under their common names.

    Yields
    ------
    Feature
        In file order, but those that come before what they are part of follow at the end.

    Raises
    ------
    UserError
        With file and line: not nine columns; for kinds that are kept, what
        `genomenet.annotation.feature.place` finds.
    """
    lineages = _Lineages()
    circular_bp: dict[str, int] = {}
    waiting: list[tuple[Feature, str]] = []
    for number, line in lines:
        if line.startswith(("##FASTA", ">")):
            break
        if line.startswith("#") or not line.strip():
            continue
        columns = nine_columns(line, path, number)
        kind, attributes = normal_kind(columns[2]), columns[8].replace("; ", ";")
        if "%" in columns[0]:
            columns[0] = unquote(columns[0])
        if "Is_circular=true" in attributes:
            circular_bp[columns[0]] = place(columns, path, number)[0].end
        if kind in {"gene", "transcript"}:
            own = _told(kind, columns[2], attributes)
            name = _value(attributes, "ID")
            lineages.add(name, own)
            tops = [name]
        elif kind in kinds:
            tops = [unquote(parent) for parent in _value(attributes, "Parent").split(",")]
        if kind not in kinds:
            continue
        interval, strand, frame = place(columns, path, number)
        for top in tops:
            told = lineages.find(top, whole=True)
            ready = told is not None or not top
            if told is None or not told.gene_name:
                told = _told(kind, columns[2], attributes)
            shared = told.transcript
            if not shared and kind != "gene":
                shared = (_value(attributes, "ID") if kind == "CDS" else "") or top
            feature = Feature(interval, kind, strand, frame, *told[:2], shared)
            for piece in _unrolled(feature, circular_bp.get(interval.contig)):
                if ready:
                    yield piece
                else:
                    waiting.append((piece, top))
    for feature, top in waiting:
        told = lineages.find(top, whole=False)
        yield feature if told is None else _settled(feature, told)


def _told(kind: str, raw_kind: str, attributes: str) -> _Told:
    """What a row tells by itself."""
    keys = ["gene_name", "gene", "Name", "locus_tag", "gene_id", "ID"]
    if kind != "gene":
        # The name of a transcript or coding sequence is its own, such as BRCA1-201.
        keys = ["gene_name", "gene", "locus_tag"]
    gene_name = next(filter(None, (_value(attributes, key) for key in keys)), "")
    gene_type = _value(attributes, "gene_type") or _value(attributes, "gene_biotype")
    if not gene_type and kind == "gene":
        gene_type = _value(attributes, "biotype")
    if not gene_type and (raw_kind == "pseudogene" or "pseudo=true" in attributes):
        gene_type = "pseudogene"
    transcript = parent = ""
    if kind == "transcript":
        transcript = _value(attributes, "transcript_id") or _value(attributes, "ID")
    if kind != "gene":
        parent = unquote(_value(attributes, "Parent").partition(",")[0])
    return _Told(gene_name, gene_type, transcript, parent)


def _settled(feature: Feature, told: _Told) -> Feature:
    """The feature with what its parents told later than itself."""
    return feature._replace(
        gene_name=told.gene_name or feature.gene_name,
        gene_type=told.gene_type or feature.gene_type,
        transcript=told.transcript or feature.transcript,
    )


def _unrolled(feature: Feature, circular_bp: int | None) -> list[Feature]:
    """The feature, in two pieces when it goes on behind the end of a circular contig."""
    contig, start, end = feature.interval.contig, feature.interval.start, feature.interval.end
    if circular_bp is None or end <= circular_bp:
        return [feature]
    if start >= circular_bp:
        return [feature._replace(interval=Interval(contig, start - circular_bp, end - circular_bp))]
    pieces = [Interval(contig, start, circular_bp), Interval(contig, 0, end - circular_bp)]
    frames = [feature.frame, feature.frame]
    if feature.frame is not None:
        later = 0 if feature.strand == "-" else 1
        frames[later] = (feature.frame - pieces[1 - later].length_bp) % 3
    return [
        feature._replace(interval=piece, frame=frame)
        for piece, frame in zip(pieces, frames, strict=True)
    ]


def _value(attributes: str, key: str) -> str:
    """The value of `key` in ``key=value;key=value``, empty when absent.

    Finding the few keys that are needed takes a third of the time of splitting all of them.
    """
    begin = attributes.find(f"{key}=")
    if begin > 0 and attributes[begin - 1] != ";":
        # The end of another key.
        begin = f";{attributes}".find(f";{key}=")
    if begin < 0:
        return ""
    begin += len(key) + 1
    end = attributes.find(";", begin)
    value = attributes[begin : end if end >= 0 else None]
    # Parents are apart by commas, and are unquoted one by one.
    return unquote(value) if "%" in value and key != "Parent" else value
