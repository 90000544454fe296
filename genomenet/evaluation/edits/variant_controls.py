"""What stands beside models of variants: trivial scores, splice distance, a Markov model."""

import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from genomenet.annotation.annotation import annotation_features
from genomenet.annotation.feature import Feature
from genomenet.annotation.region_classes import ACCEPTOR, DONOR
from genomenet.annotation.region_features import KINDS, contig_regions
from genomenet.evaluation.edits.variants_file import Variant
from genomenet.evaluation.markov_control import markov_control
from genomenet.evaluation.subject import Subject
from genomenet.genome.alphabet import decode
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.genome import Genome, whole_contigs
from genomenet.genome.intervals import Interval, merge, spread_windows, subtract, total_bp
from genomenet.training.inputs import make_splits
from genomenet.training.provenance import require_splits
from genomenet.training.record import read_record

CONTEXT_BP = 64
"""Window of the Markov model: longer than twice its longest context, so nothing is cut off."""

CONTEXT_ORDER = 8
COUNTED_BP = 20_000_000
ENOUGH_BP = 500_000
"""Bases outside of the variants' windows, below which words are counted everywhere."""

_TRANSITIONS = {("A", "G"), ("G", "A"), ("C", "T"), ("T", "C")}


class SpliceSites:
    """Where exons meet introns: the ends of transcripts are none.

    Parameters
    ----------
    path : str or Path
        GTF, GFF3, GenBank or EMBL.
    names : ContigNames
        Of the genome.
    """

    def __init__(self, path: str | Path, names: ContigNames) -> None:
        rows: dict[str, list[Feature]] = defaultdict(list)
        for feature in annotation_features(path, KINDS):
            contig = names.find(feature.interval.contig)
            if contig is not None:
                rows[contig].append(feature)
        self._edges: dict[str, np.ndarray] = {}
        for contig, features in rows.items():
            ranges = contig_regions(features, names.lengths_bp[contig], 0, 0).ranges
            # The class covers two bases of the intron; its outer border is the exon's edge.
            edges = {start for start, _ in ranges[DONOR, "+"] | ranges[ACCEPTOR, "-"]}
            edges |= {end for _, end in ranges[ACCEPTOR, "+"] | ranges[DONOR, "-"]}
            self._edges[contig] = np.array(sorted(edges))

    def distance(self, contig: str, start: int, end: int) -> float:
        """Bases between `start` to `end` and the nearest edge; infinite without introns."""
        edges = self._edges.get(contig, np.array([]))
        at = int(np.searchsorted(edges, start))
        near = [float(edges[i]) for i in (at - 1, at) if 0 <= i < edges.size]
        return min((max(edge - end, start - edge, 0.0) for edge in near), default=math.inf)


def trivial_scores(
    variant: Variant,
    genome: Genome,
    contig_bp: int,
    sites: SpliceSites | None,
    generator: np.random.Generator,
) -> dict[str, float]:
    """Scores by name, each higher for what is thought to matter more.

    Parameters
    ----------
    variant, genome, contig_bp : Variant, Genome, int
        Which change, and how long its contig is.
    sites : SpliceSites or None
        For the distance to the nearest; the score is missing without.
    generator : Generator
        Of the random score.
    """
    single = len(variant.ref) == len(variant.alt) == 1
    transition = single and (variant.ref, variant.alt) in _TRANSITIONS
    first, last = max(variant.start - 1, 0), min(variant.end + 1, contig_bp)
    in_cpg = single and "CG" in decode(genome.read(variant.contig, first, last))
    found = {
        "transversion or indel": float(not transition),
        "not a CpG transition": float(not (in_cpg and transition)),
        "length change": float(abs(len(variant.ref) - len(variant.alt))),
        "random": float(generator.random()),
    }
    if sites is not None:
        # Ranks are all that is used; a number stands for infinity in tables of scores.
        found["near a splice site"] = -min(
            sites.distance(variant.contig, variant.start, variant.end), 1e9
        )
    return found


def context_control(
    genome: Genome, variants: Iterable[Variant], length_bp: int
) -> tuple[Subject, str]:
    """A Markov model of a genome that no run was trained on, and what its words were counted on.

    Parameters
    ----------
    genome : Genome
        The genome of the variants.
    variants : iterable of Variant
        Those to be scored; gone through once.
    length_bp : int
        Length of their windows, which are left out of the counting.
    """
    # A bit for every window-long stretch, so that memory doesn't grow with the variants.
    touched = {
        one.contig: np.zeros(one.end // length_bp + 1, dtype=bool) for one in whole_contigs(genome)
    }
    for one in variants:
        first, last = one.start // length_bp - 1, one.end // length_bp + 1
        touched[one.contig][max(first, 0) : last + 1] = True
    near = [
        Interval(contig, int(i) * length_bp, (int(i) + 1) * length_bp)
        for contig, stretches in touched.items()
        for i in np.flatnonzero(stretches)
    ]
    whole = list(whole_contigs(genome))
    free = subtract(whole, merge(near)) if near else whole
    where = "the genome outside of the variants' windows"
    if total_bp(free) < ENOUGH_BP:
        free, where = whole, "the whole genome, the variants' own places among it"
    pieces = spread_windows(free, 10_000, COUNTED_BP)
    validation = pieces[::20]
    training = [piece for i, piece in enumerate(pieces) if i % 20] or validation
    return markov_control(genome, training, validation, CONTEXT_BP, True, CONTEXT_ORDER), where


def training_control(run: Path, genome: Genome) -> tuple[tuple[Interval, ...], Subject] | None:
    """What a run was trained on, and a Markov model of it; None when that is another genome.

    Both strands are counted, as both are scored.

    Raises
    ------
    UserError
        When the splits are no longer those that the run was trained on.
    """
    config, record = read_record(run)
    if record["data"]["digest"] != genome.digest:
        return None
    splits = make_splits(genome, config.data)
    require_splits(splits, config, record, run)
    training = tuple(splits.require("train"))
    validation = list(splits.require("valid"))
    return training, markov_control(
        genome, list(training), validation, CONTEXT_BP, True, CONTEXT_ORDER
    )
