"""How well scores of knock-outs rank essential genes, beside gene length, as findings."""

from collections.abc import Callable, Sequence

import numpy as np

from genomenet.errors import UserError
from genomenet.evaluation.edits.auroc_chart import auroc_chart
from genomenet.evaluation.edits.edit import check_sentences
from genomenet.evaluation.edits.essentiality import EssentialityScores
from genomenet.evaluation.edits.ranking import Rows, auroc, block_draws, interval, stratified_auroc
from genomenet.evaluation.edits.variant_ranking import Predictor
from genomenet.evaluation.findings import Cell, Column, Findings, Table
from genomenet.evaluation.subject import Subject

LENGTH_STRATA = 5
"""Fifths of an organism's genes by length."""

BLOCK_BP = 100_000
"""Of one organism: neighbours share operons and windows, and are drawn together."""

FEW = 20
DRAWS = 200
LENGTH = "gene length"


def essentiality_findings(
    scores: EssentialityScores,
    models: Sequence[tuple[Subject, str]],
    inputs: dict[str, str],
    notes: tuple[str, ...],
    created: str,
    command: str,
    version: str,
) -> Findings:
    """AUROC of every score, as the mean over organisms, within lengths, and pooled.

    Parameters
    ----------
    scores : EssentialityScores
        Of all genes.
    models : sequence of (Subject, str)
        What scored them, with the kind of each.
    inputs, notes, created, command, version
        As of `Findings`.

    Raises
    ------
    UserError
        When no organism has genes of both labels.
    """
    label = np.array([gene.label for gene in scores.genes], dtype=np.float64)
    organisms, of_gene = np.unique([one.organism for one in scores.genes], return_inverse=True)
    members = [np.flatnonzero(of_gene == i) for i in range(organisms.size)]
    members = [at for at in members if 0 < label[at].sum() < at.size]
    if not members:
        raise UserError("no organism has essential and other genes; nothing can be ranked")
    length = np.array([float(gene.end - gene.start) for gene in scores.genes])
    stratum = np.zeros(length.size, dtype=np.int64)
    for at in members:
        cuts = np.quantile(length[at], np.arange(1, LENGTH_STRATA) / LENGTH_STRATA)
        stratum[at] = np.searchsorted(cuts, length[at], side="right")
    alone = len(members) == 1
    if alone:
        only = [scores.genes[i] for i in members[0]]
        places = {name: i for i, name in enumerate(sorted({gene.contig for gene in only}))}
        block = np.array([(places[g.contig] << 32) + g.start // BLOCK_BP for g in only])
        units, samples = len(set(block.tolist())), block_draws(block, DRAWS)
    else:
        units, samples = len(members), block_draws(np.arange(len(members)), DRAWS)

    def macro(of_genes: Callable[[Rows], float]) -> tuple[float, tuple[float, float]]:
        """A measure of genes, as the mean over organisms, with its interval."""
        each = np.array([of_genes(at) for at in members])
        if alone:
            return float(each[0]), interval(lambda drawn: of_genes(members[0][drawn]), samples)
        return float(each.mean()), interval(lambda drawn: float(each[drawn].mean()), samples)

    rows: list[tuple[Cell, ...]] = []
    said = []
    for one in _predictors(scores, models, length):
        values = one.values

        def plain(at: Rows, values: np.ndarray = values) -> float:
            return auroc(label[at], values[at])

        def gain(at: Rows, values: np.ndarray = values) -> float:
            return auroc(label[at], values[at]) - auroc(label[at], length[at])

        def within(at: Rows, values: np.ndarray = values) -> float:
            return stratified_auroc(label[at], values[at], stratum[at])

        (centre, bounds), (more, gained), (inside, held) = macro(plain), macro(gain), macro(within)
        rows.append(
            (one.name, one.kind, centre, bounds, more, gained, inside, held, auroc(label, values))
        )
        if one.kind == "model":
            said.append(
                f"{one.name}: macro AUROC {centre:.3f}, {_side(bounds, 0.5)} chance; "
                f"{_side(gained, 0.0)} gene length alone by {more:+.3f} "
                f"(95 % {gained[0]:+.3f} to {gained[1]:+.3f}); "
                f"{_side(held, 0.5)} chance among genes of like length."
            )
    table = Table(
        "essentiality",
        "Essential against other genes",
        f"{len(members)} organisms, {label.size:,} genes, {label.mean():.1%} essential. Macro: "
        "plain mean over organisms. Like length: pairs within a fifth of an organism's genes by "
        "length. Pooled mixes organisms, whose levels differ for other reasons: don't compare by "
        "it.",
        (
            Column("score"), Column("kind"), Column("macro AUROC", "number"), Column("95 %"),
            Column("minus length", "signed"), Column("95 %", "signed"),
            Column("like length", "number"), Column("95 %"), Column("pooled", "number"),
        ),
        tuple(rows),
    )  # fmt: skip
    unit = f"stretches of {BLOCK_BP:,} bp" if alone else "organisms"
    notes += (f"Intervals resample {units:,} {unit}.",)
    if units < FEW:
        notes += (f"Intervals from fewer than {FEW} {unit} are too narrow more often than not.",)
    said += check_sentences("the cassette", scores.check, [subject for subject, _ in models])
    ranked = ((name, kind, centre, bounds) for name, kind, centre, bounds, *_ in table.rows)
    chart = auroc_chart("Macro AUROC of essential genes", ranked)
    return Findings(
        "essentiality", "Gene essentiality, zero-shot", created, command, version, inputs,
        tuple(said), (table,), (chart,), notes,
    )  # fmt: skip


def _predictors(
    scores: EssentialityScores, models: Sequence[tuple[Subject, str]], length: np.ndarray
) -> list[Predictor]:
    found = []
    for one, kind in models:
        kind = kind if one.comparable else "not comparable"
        name = one.name if one.comparable else f"{one.name} (not comparable)"
        found.append(Predictor(name, kind, scores.cassette[one.name]))
        if kind == "model":
            found.append(Predictor(f"{name}, random bases", "control", scores.control[one.name]))
    random = np.random.default_rng(0).random(length.size)
    return [
        *found,
        Predictor(LENGTH, "trivial", length),
        Predictor("GC of the window", "trivial", scores.gc),
        Predictor("random", "trivial", random),
    ]


def _side(bounds: tuple[float, float], level: float) -> str:
    if bounds[1] < level:
        return "below"
    return "above" if bounds[0] > level else "not told from"
