"""Trivial scores of variants, which a model has to beat: no learning beyond counting words."""

import math
from collections import defaultdict
from pathlib import Path

import numpy as np

from genomenet.annotation.annotation import annotation_features
from genomenet.evaluation.edits import Edit, allele_edit
from genomenet.evaluation.variants_file import Variant
from genomenet.genome.alphabet import N_CODE
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.genome import Genome, whole_contigs
from genomenet.genome.intervals import Interval
from genomenet.genome.markov import MarkovModel, count_words, distributions

ORDER = 5
STRENGTH = 16.0
COUNTED_BP = 10_000_000
_TRANSITIONS = {("A", "G"), ("G", "A"), ("C", "T"), ("T", "C")}


class ExonEnds:
    """Where exons end and begin on every contig, for the distance to the nearest.

    Parameters
    ----------
    path : str or Path
        GTF, GFF3, GenBank or EMBL.
    names : ContigNames
        Of the genome.
    """

    def __init__(self, path: str | Path, names: ContigNames) -> None:
        ends: dict[str, set[int]] = defaultdict(set)
        coding: dict[str, list[tuple[int, int]]] = defaultdict(list)
        genes: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for feature in annotation_features(path, {"gene", "exon", "CDS"}):
            contig = names.find(feature.interval.contig)
            if contig is None:
                continue
            span = feature.interval.start, feature.interval.end
            if feature.kind == "exon":
                ends[contig].update(span)
            (coding if feature.kind == "CDS" else genes)[contig].append(span)
        self._ends = {contig: np.array(sorted(found)) for contig, found in ends.items()}
        self._coding = {contig: _union(found) for contig, found in coding.items()}
        self._genes = {contig: _union(found) for contig, found in genes.items()}

    def distance(self, contig: str, start: int) -> float:
        """Bases from `start` to the nearest exon end; infinite on a contig without exons."""
        ends = self._ends.get(contig)
        if ends is None:
            return math.inf
        at = int(np.searchsorted(ends, start))
        return float(min(abs(int(ends[i]) - start) for i in (at - 1, at) if 0 <= i < len(ends)))

    def group(self, variant: Variant) -> str:
        """coding, within 8 bp of an exon end, elsewhere in a gene, or intergenic."""
        if _within(self._coding.get(variant.contig), variant.start):
            return "coding"
        if self.distance(variant.contig, variant.start) <= 8:
            return "near exon end"
        inside = _within(self._genes.get(variant.contig), variant.start)
        return "non-coding in gene" if inside else "intergenic"


def context_model(genome: Genome) -> MarkovModel:
    """Word counts of both strands of the genome's first bases."""
    left, counted = COUNTED_BP, []
    for whole in whole_contigs(genome):
        if left <= 0:
            break
        counted.append(Interval(whole.contig, 0, min(whole.end, left)))
        left -= counted[-1].end
    counts = count_words(genome, counted, ORDER, both_strands=True)
    return MarkovModel(counts, (STRENGTH,) * (ORDER + 1))


def trivial_scores(
    variant: Variant,
    genome: Genome,
    contig_bp: int,
    model: MarkovModel,
    ends: ExonEnds | None,
    generator: np.random.Generator,
) -> dict[str, float]:
    """Scores by name, each higher for what is thought to matter more."""
    # The whole context of every base that the change reaches, and no more.
    width = 2 * ORDER + max(len(variant.ref), len(variant.alt))
    edit = allele_edit(
        genome, variant.contig, contig_bp, variant.start, variant.ref, variant.alt, width
    )
    single = len(variant.ref) == len(variant.alt) == 1
    transition = (variant.ref, variant.alt) in _TRANSITIONS
    near = genome.read(variant.contig, max(variant.start - 1, 0), min(variant.end + 1, contig_bp))
    before = near[0] if variant.start else N_CODE
    after = near[-1] if variant.end < contig_bp else N_CODE
    in_cpg = single and (
        (variant.ref == "C" and after == 2) or (variant.ref == "G" and before == 1)
    )
    both = (markov_delta(edit, model) + markov_delta(edit.other_strand(), model)) / 2
    found = {
        "transversion or indel": float(not (single and transition)),
        "not a CpG transition": float(not (in_cpg and transition)),
        "length change": float(abs(len(variant.ref) - len(variant.alt))),
        f"{ORDER + 1}-mer context": -both,
        "random": float(generator.random()),
    }
    if ends is not None:
        found["near an exon end"] = -min(ends.distance(variant.contig, variant.start), 1e9)
    return found


def markov_delta(edit: Edit, model: MarkovModel) -> float:
    """Log-likelihood with an edit minus without, under a Markov model, in nats."""
    totals = []
    for codes in (edit.before, edit.after):
        *_, p = (one for one in distributions(codes, model))
        known = np.flatnonzero(codes < N_CODE)
        totals.append(float(np.log(p[known, codes[known]]).sum()))
    return totals[1] - totals[0]


def _union(spans: list[tuple[int, int]]) -> np.ndarray:
    merged: list[list[int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return np.array(merged)


def _within(spans: np.ndarray | None, place: int) -> bool:
    if spans is None:
        return False
    at = int(np.searchsorted(spans[:, 0], place, side="right")) - 1
    return at >= 0 and place < int(spans[at, 1])
