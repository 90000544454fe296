"""The held-out window on which a study shows boundaries: which one, and what lies along it."""

from collections.abc import Sequence
from dataclasses import replace

from genomenet.annotation.annotation import annotation_features
from genomenet.annotation.feature import Feature
from genomenet.genome.alphabet import DNA, decode
from genomenet.genome.contig_names import ContigNames, KnownRows
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval, overlaps_bp
from genomenet.study.results import Example, Gene

# Bacterial annotation has coding sequences without exons.
_EXONIC = ("exon", "CDS")


def choose_example(
    genome: Genome, names: ContigNames, windows: Sequence[Interval], annotation: str
) -> Example:
    """Describe the held-out window with the most exonic bases; the first one without annotation.

    Parameters
    ----------
    genome : Genome
        Where codes and the soft mask are read.
    names : ContigNames
        How the annotation may call the contigs.
    windows : sequence of Interval
        The held-out windows, at least one.
    annotation : str
        GTF, GFF3 or GenBank file; empty without.

    Returns
    -------
    Example
        Without boundaries and surprise, which the arms add.

    Raises
    ------
    UserError
        When the annotation can't be read, or is of another genome.
    """
    genes = _genes(annotation, names)
    exons = [gene.interval for gene in genes if gene.kind in _EXONIC]
    return _describe(genome, windows[int(overlaps_bp(windows, exons).argmax())], genes)


def _genes(annotation: str, names: ContigNames) -> list[Feature]:
    """Genes and what is exonic of them, under the genome's names of contigs."""
    if not annotation:
        return []
    rows, found = KnownRows(names, annotation), []
    for feature in annotation_features(annotation, ("gene", *_EXONIC)):
        place = feature.interval
        if own := rows.find(place.contig, place.end):
            found.append(feature._replace(interval=replace(place, contig=own)))
    rows.check()
    return found


def _describe(genome: Genome, window: Interval, features: list[Feature]) -> Example:
    overlapping = [
        feature
        for feature in features
        if feature.interval.contig == window.contig
        and feature.interval.start < window.end
        and feature.interval.end > window.start
    ]
    genes = tuple(
        Gene(
            gene.gene_name,
            gene.strand,
            gene.interval.start,
            gene.interval.end,
            tuple(
                sorted(
                    {
                        (exon.interval.start, exon.interval.end)
                        for exon in overlapping
                        if exon.kind in _EXONIC and exon.gene_name == gene.gene_name
                    }
                )
            ),
        )
        for gene in overlapping
        if gene.kind == "gene"
    )
    mask = genome.read_mask(window.contig, window.start, window.end)
    edges = [i for i in range(len(mask) + 1) if _at(mask, i) != _at(mask, i - 1)]
    runs = tuple(
        (window.start + start, window.start + end)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    )
    codes = genome.read(window.contig, window.start, window.end)
    sequence = decode(codes) if genome.alphabet is DNA else ""
    return Example(window.contig, window.start, window.end, genes, (), runs, sequence)


def _at(mask, i: int) -> bool:
    return bool(mask[i]) if 0 <= i < len(mask) else False
