"""What variant scores are worth, beside the trivial ones, as findings."""

from collections.abc import Sequence

import numpy as np

from genomenet.evaluation.edits.auroc_chart import auroc_chart
from genomenet.evaluation.edits.edit import check_sentences
from genomenet.evaluation.edits.ranking import spearman
from genomenet.evaluation.edits.variant_ranking import (
    FEWEST_BLOCKS,
    LABEL_MEASURES,
    NUMBER_MEASURES,
    Predictor,
    Ranked,
    against_trivial,
    by_stratum,
    overall,
)
from genomenet.evaluation.edits.variants import BLOCK_BP, VariantScores
from genomenet.evaluation.findings import Cell, Chart, Column, Findings, Table
from genomenet.evaluation.subject import Subject

FEW_BLOCKS = 20
"""Intervals from fewer are too narrow."""


def variant_findings(
    scores: VariantScores,
    models: Sequence[tuple[Subject, str]],
    inputs: dict[str, str],
    notes: tuple[str, ...],
    created: str,
    command: str,
    version: str,
) -> Findings:
    """Rank labels and measured numbers by every score.

    Parameters
    ----------
    scores : VariantScores
        Of all variants.
    models : sequence of (Subject, str)
        What scored them, with the kind of each.
    inputs, notes, created, command, version
        As of `Findings`.
    """
    predictors = []
    for subject, kind in models:
        label = subject.name if subject.comparable else f"{subject.name} (not comparable)"
        kind = kind if subject.comparable else "not comparable"
        predictors.append(Predictor(label, kind, -scores.both(subject.name)))
    predictors += [Predictor(name, "trivial", np.array(v)) for name, v in scores.trivial.items()]
    block, group = np.array(scores.block), np.array(scores.group)
    labels = Ranked(np.array(scores.label), block, group, LABEL_MEASURES)
    numbers = Ranked(np.array(scores.measured), block, group, NUMBER_MEASURES)
    names = [subject.name for subject, _ in models]
    tables, sentences = [_strand_table(scores, names)], []
    charts: list[Chart] = []
    kept = labels.kept
    if 0 < labels.truth[kept].sum() < kept.size:
        tables.append(
            overall(
                "labels",
                "Pathogenic against benign",
                "AUROC below 0.5 ranks the wrong way. AUPRC of a random score is the base rate, "
                f"{labels.truth[kept].mean():.3f}. Models rank by minus their log-likelihood "
                "ratio. Macro: plain mean over the classes of the table by class.",
                labels,
                predictors,
            )
        )
        rows = (
            (name, kind, centre, bounds) for name, kind, _, centre, bounds, *_ in tables[-1].rows
        )
        charts.append(auroc_chart("AUROC of pathogenic against benign", rows))
        sentences += against_trivial(labels, predictors)
        tables += by_stratum("label_classes", "Pathogenic against benign, by class", labels,
                             predictors, labels.classes())  # fmt: skip
        trained = np.array(scores.trained)[kept] > 0
        if trained.any():
            parts = {"in the training split": kept[trained], "outside of it": kept[~trained]}
            tables += by_stratum(
                "label_splits", "Pathogenic against benign, by split", labels, predictors, parts
            )
    elif kept.size:
        sentences.append("All labels are the same, so nothing can be ranked by them.")
    if numbers.kept.size > 2:
        tables.append(
            overall(
                "measured",
                "Rank correlation with the measured numbers",
                "Signed: positive where what is thought to matter more has the higher number.",
                numbers,
                predictors,
            )
        )
        tables += by_stratum("measured_classes", "Rank correlation, by class", numbers,
                             predictors, numbers.classes())  # fmt: skip
    sentences += check_sentences("a variant", scores.check, [subject for subject, _ in models])
    for what, ranked in (("labels", labels), ("measured numbers", numbers)):
        blocks = np.unique(block[ranked.kept]).size
        if 0 < blocks < FEW_BLOCKS:
            notes += (
                f"Variants with {what} lie in {blocks} stretches of {BLOCK_BP:,} bp: intervals "
                f"from fewer than {FEW_BLOCKS} are too narrow, and from fewer than "
                f"{FEWEST_BLOCKS} none is given.",
            )
    return Findings(
        "variants", "Variants, zero-shot", created, command, version, inputs,
        tuple(sentences), tuple(tables), tuple(charts), notes,
    )  # fmt: skip


def _strand_table(scores: VariantScores, names: Sequence[str]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        ahead, back = np.array(scores.forward[name]), np.array(scores.reverse[name])
        rows.append(
            (name, ahead.size, float(scores.both(name).mean()), float(ahead.mean()),
             float(back.mean()), spearman(ahead, back), f"{scores.check[name]:.2g}")
        )  # fmt: skip
    return Table(
        "strands",
        "Log-likelihood of alternative minus reference, in nats; negative: alternative less likely",
        "Mean over variants, for both strands and each; how far the strands rank alike.",
        (
            Column("model"), Column("variants", "count"), Column("both", "signed"),
            Column("forward", "signed"), Column("reverse", "signed"),
            Column("Spearman of strands", "signed"), Column("self-check, nats"),
        ),
        tuple(rows),
    )  # fmt: skip
