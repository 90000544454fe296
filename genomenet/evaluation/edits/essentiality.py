"""Gene essentiality: how much less likely a stop cassette makes what follows it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from genomenet.evaluation.edits.edit import Edit, score_edits
from genomenet.evaluation.edits.genes_file import Gene
from genomenet.evaluation.subject import Subject
from genomenet.genome.alphabet import N_CODE, encode, reverse_complement
from genomenet.genome.genome import Genome

CASSETTE = "TAATAATAATAGTGA"
BEHIND_START_CODON = 12
START_CODON = 3

BATCH = 32
"""Genes held in memory at a time."""


@dataclass(frozen=True)
class KnockOut:
    """What is done to a gene.

    Attributes
    ----------
    cassette, control : Edit
        With the cassette, and with as many random bases in its place; on the gene's strand.
    gc : float
        GC share of the window.
    """

    cassette: Edit
    control: Edit
    gc: float


@dataclass(frozen=True)
class EssentialityScores:
    """Scores of genes that could be knocked out.

    Attributes
    ----------
    genes : list of Gene
        Those; the others are counted by reason.
    cassette, control : dict of str to ndarray
        By model: nats with the knock-out minus without, from the first base that differs on.
    gc : ndarray of float64, shape (genes,)
        GC share of the windows.
    check : dict of str to float
        By model: the largest `EditScores.check`.
    """

    genes: list[Gene]
    cassette: dict[str, np.ndarray]
    control: dict[str, np.ndarray]
    gc: np.ndarray
    check: dict[str, float]


def knock_out(
    genome: Genome,
    gene: Gene,
    contig_bp: int,
    length_bp: int,
    generator: np.random.Generator,
    skipped: Counter[str],
) -> KnockOut | None:
    """The knock-out of a gene and its control, on the gene's strand.

    Parameters
    ----------
    genome, gene, contig_bp : Genome, Gene, int
        Which gene, and how long its contig is.
    length_bp : int
        Of the window, which is centred on the gene and stops at the contig's ends.
    generator : Generator
        Of the control's bases.
    skipped : Counter
        Told why a gene has no knock-out.
    """
    if gene.end - gene.start < START_CODON + BEHIND_START_CODON + len(CASSETTE):
        skipped["genes too short for the cassette"] += 1
        return None
    middle = (gene.start + gene.end) // 2
    first = max(middle - length_bp // 2, 0)
    last = min(middle - length_bp // 2 + length_bp, contig_bp)
    codes = genome.read(gene.contig, first, last)
    mask = genome.read_mask(gene.contig, first, last)
    at = gene.start - first
    if gene.strand == "-":
        codes, mask, at = reverse_complement(codes), mask[::-1], last - gene.end
    at += START_CODON + BEHIND_START_CODON
    if at < 0 or at + len(CASSETTE) > codes.size:
        skipped["genes whose start lies outside of the window"] += 1
        return None
    edits = []
    for bases in (encode(CASSETTE), generator.integers(4, size=len(CASSETTE)).astype(np.uint8)):
        after = codes.copy()
        after[at : at + len(CASSETTE)] = bases
        edits.append(Edit(codes, after, mask, mask))
    known = codes[codes < N_CODE]
    gc = float(np.isin(known, (1, 2)).mean()) if known.size else 0.5
    return KnockOut(edits[0], edits[1], gc)


def score_genes(
    genome: Genome,
    genes: Sequence[Gene],
    models: Sequence[Subject],
    length_bp: int,
    skipped: Counter[str],
    progress: Callable[[int], object] | None = None,
    seed: int = 0,
) -> EssentialityScores:
    """Knock out genes, a few at a time.

    Parameters
    ----------
    genome, genes, models : Genome, sequence of Gene, sequence of Subject
        What is scored, and by what.
    length_bp : int
        Of windows.
    skipped : Counter
        Told why genes are left out.
    progress : callable, optional
        Called with the number of genes just scored.
    seed : int
        Of the random bases of the controls.
    """
    generator = np.random.default_rng(seed)
    lengths = {contig.name: contig.length_bp for contig in genome.contigs}
    kept: list[Gene] = []
    gc: list[float] = []
    cassette: dict[str, list[float]] = {one.name: [] for one in models}
    control: dict[str, list[float]] = {one.name: [] for one in models}
    check = dict.fromkeys(cassette, 0.0)
    for first in range(0, len(genes), BATCH):
        batch = genes[first : first + BATCH]
        edits: list[Edit] = []
        for gene in batch:
            made = knock_out(genome, gene, lengths[gene.contig], length_bp, generator, skipped)
            if made is not None:
                kept.append(gene)
                gc.append(made.gc)
                edits += [made.cassette, made.control]
        for one in models:
            scores = score_edits(one, edits)
            cassette[one.name] += (-scores.delta[0::2]).tolist()
            control[one.name] += (-scores.delta[1::2]).tolist()
            check[one.name] = max(check[one.name], scores.check)
        if progress is not None:
            progress(len(batch))
    return EssentialityScores(
        kept,
        {name: np.array(values) for name, values in cassette.items()},
        {name: np.array(values) for name, values in control.items()},
        np.array(gc),
        check,
    )
