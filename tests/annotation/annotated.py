"""Made-up annotation for the tests of this folder, and what one reads in a region track."""

from genomenet.annotation.annotation import annotation_features
from genomenet.annotation.feature import Feature
from genomenet.genome.intervals import Interval


def read_annotation(path, kinds) -> list[Feature]:
    return list(annotation_features(path, kinds))


def row(kind, start, end, strand="+", *, frame=None, gene="g", type_="", transcript="", contig="c"):
    return Feature(Interval(contig, start, end), kind, strand, frame, gene, type_, transcript)


def gtf_line(one: Feature) -> str:
    frame = "." if one.frame is None else one.frame
    attributes = f'gene_id "{one.gene_name}"; gene_type "{one.gene_type}";'
    if one.transcript:
        attributes += f' transcript_id "{one.transcript}";'
    place = f"{one.interval.start + 1}\t{one.interval.end}"
    return (
        f"{one.interval.contig}\tx\t{one.kind}\t{place}\t.\t{one.strand}\t{frame}\t{attributes}\n"
    )


def named(track, contig, length_bp):
    """Class and strands of every base of a contig."""
    strands = ({*""}, {"+"}, {"-"}, {"+", "-"})
    codes = track.read(contig, 0, length_bp).tolist()
    bits = track.read_strand(contig, 0, length_bp).tolist()
    return [(track.classes[code], strands[bit]) for code, bit in zip(codes, bits, strict=True)]
