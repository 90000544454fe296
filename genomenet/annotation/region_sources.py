"""What a region track is made from: annotation and BED files, their rows put on the contigs."""

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genomenet.annotation.annotation import annotation_features
from genomenet.annotation.feature import Feature
from genomenet.annotation.feature_columns import FeatureColumns
from genomenet.annotation.region_features import KINDS, Range
from genomenet.genome.contig_names import ContigNames, KnownRows
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import bed_lines
from genomenet.genome.opening import sha256_of

Ranges = dict[str, dict[str, "array[int]"]]
"""By contig and strand: start, end, start, end... in bases; see `pairs`."""


@dataclass(frozen=True)
class RegionSources:
    """What a region track is made from.

    Attributes
    ----------
    annotation : Path
        GTF, GFF3 or GenBank.
    repeats : Path, optional
        BED of repeats; the genome's soft mask when there is none.
    layers : mapping of str to Path
        BED files of the user's own classes by name; a later one lies over an earlier one.
    aliases : Path, optional
        Other names of contigs, see `ContigNames`.
    upstream_bp, downstream_bp : int
        A promoter reaches from `upstream_bp` before a transcript to `downstream_bp` into it.
    """

    annotation: Path
    repeats: Path | None
    layers: Mapping[str, Path]
    aliases: Path | None
    upstream_bp: int
    downstream_bp: int

    def record(self) -> dict[str, Any]:
        """The files by name, size and SHA-256, and the numbers."""
        return {
            "annotation": _file_record(self.annotation),
            "repeats": _file_record(self.repeats) if self.repeats else "soft mask",
            "layers": {name: _file_record(path) for name, path in self.layers.items()},
            "aliases": _file_record(self.aliases) if self.aliases else None,
            "promoter_upstream_bp": self.upstream_bp,
            "promoter_downstream_bp": self.downstream_bp,
        }


class PlacedRows:
    """The rows of all sources under the genome's names of its contigs.

    Rows on contigs that the genome lacks, and beyond the end of one, are left out and counted:
    a genome may well be a part of what an annotation describes.

    Parameters
    ----------
    genome : Genome
        Whose contigs count.
    genome_name : str
        What to call it in errors.
    sources : RegionSources
        What is read, at once.

    Attributes
    ----------
    repeats : dict or None
        Ranges of repeats by contig and strand; None without a file of them.
    layers : dict
        The same for each of the user's layers, by name.
    left_out : dict
        Rows left out, by file and reason.

    Raises
    ------
    UserError
        A file that can't be read, or that has nothing on the genome's contigs.
    """

    def __init__(self, genome: Genome, genome_name: str, sources: RegionSources) -> None:
        self.left_out: dict[str, dict[str, int]] = {}
        self._names = ContigNames(genome.contigs, genome_name, sources.aliases)
        words: dict[tuple[str, ...], int] = {}
        self._features = self._read_annotation(sources.annotation, words)
        self._words = list(words)
        self.repeats = self._read_bed(sources.repeats) if sources.repeats else None
        self.layers = {name: self._read_bed(path) for name, path in sources.layers.items()}

    def features(self, contig: str) -> list[Feature]:
        """The annotated features of a contig."""
        columns = self._features.get(contig)
        return list(columns.features(self._words)) if columns else []

    def notes(self) -> list[str]:
        """A sentence for each reason why rows of a file were left out."""
        return [
            f"{rows:,} {'row' if rows == 1 else 'rows'} of {name} left out: {why}"
            for name, reasons in self.left_out.items()
            for why, rows in reasons.items()
            if rows
        ]

    def _read_annotation(
        self, path: Path, words: dict[tuple[str, ...], int]
    ) -> dict[str, FeatureColumns]:
        found: dict[str, FeatureColumns] = {}
        rows = KnownRows(self._names, path)
        for feature in annotation_features(path, KINDS):
            place = feature.interval
            if own := rows.find(place.contig, place.end):
                if own not in found:
                    found[own] = FeatureColumns(own, words)
                found[own].append(feature)
        self._finish(rows, path)
        return found

    def _read_bed(self, path: Path) -> Ranges:
        # A repeat mask has millions of rows: no objects.
        found: Ranges = defaultdict(lambda: defaultdict(lambda: array("q")))
        rows = KnownRows(self._names, path)
        for line in bed_lines(path):
            place = line.interval
            if own := rows.find(place.contig, place.end):
                found[own][line.strand].extend((place.start, place.end))
        self._finish(rows, path)
        return found

    def _finish(self, rows: KnownRows, path: Path) -> None:
        rows.check()
        self.left_out[path.name] = rows.left_out


def pairs(flat: "array[int]") -> Iterator[Range]:
    """The ranges of a flat array of starts and ends."""
    values = iter(flat)
    return zip(values, values, strict=True)


def _file_record(path: Path) -> dict[str, Any]:
    sha256 = sha256_of(path)  # first, for it tells of a file that is missing
    return {"file": path.name, "size_bytes": path.stat().st_size, "sha256": sha256}
