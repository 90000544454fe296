"""What variant scores are worth, beside the trivial ones, as findings."""

import math
from collections.abc import Callable

import numpy as np

from genomenet.evaluation.findings import Cell, Chart, Column, Findings, Series, Table
from genomenet.evaluation.ranking import auprc, auroc, block_draws, interval, spearman
from genomenet.evaluation.variants import VariantScores

MINIMUM = 10
"""Of each label, in a class that gets a number of its own."""

Rows = np.ndarray
COLUMNS = (
    Column("score"), Column("kind"), Column("variants", "count"), Column("AUROC"),
    Column("95 %"), Column("AUPRC"), Column("95 %"), Column("base rate"),
)  # fmt: skip


def variant_findings(
    scores: VariantScores,
    subjects: list[str],
    twins: list[str],
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
    subjects, twins : list of str
        Names of the models and of their untrained twins.
    inputs, notes, created, command, version
        As of `Findings`.
    """
    predictors = {name: ("model", -scores.both(name)) for name in subjects}
    predictors |= {name: ("untrained", -scores.both(name)) for name in twins}
    predictors |= {name: ("trivial", np.array(values)) for name, values in scores.trivial.items()}
    label, measured = np.array(scores.label), np.array(scores.measured)
    block, group = np.array(scores.block), np.array(scores.group)
    tables, charts, sentences = [_strand_table(scores, [*subjects, *twins])], [], []
    kept = np.flatnonzero(np.isfinite(label))
    if 0 < label[kept].sum() < kept.size:
        tables.append(_label_table(predictors, label, block, kept))
        charts.append(_chart(tables[-1]))
        sentences += _against_trivial(predictors, subjects, label, block, kept)
        by_class = _class_table(predictors, label, block, group, kept)
        tables += [by_class] if by_class else []
    elif kept.size:
        sentences.append("All labels are the same, so nothing can be ranked by them.")
    kept = np.flatnonzero(np.isfinite(measured))
    if kept.size > 2:
        tables.append(_spearman_table(predictors, measured, block, group, kept))
    for name in [*subjects, *twins]:
        worst = scores.upstream[name]
        if worst > 0:
            sentences.append(
                f"Self-check: upstream of a variant {name} changes by up to {worst:.2g} nats a "
                "base; it is left out of the scores. Rounding is below 0.001; more means that the "
                "model is not causal."
            )
    if not any(scores.upstream.values()):
        sentences.append("Self-check: upstream of the variants no likelihood changes at all.")
    return Findings(
        "variants", "Variants, zero-shot", created, command, version, inputs,
        tuple(sentences), tuple(tables), tuple(charts), notes,
    )  # fmt: skip


def _strand_table(scores: VariantScores, names: list[str]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        ahead, back = np.array(scores.forward[name]), np.array(scores.reverse[name])
        rows.append(
            (name, ahead.size, float(scores.both(name).mean()), float(ahead.mean()),
             float(back.mean()), spearman(ahead, back), f"{scores.upstream[name]:.2g}")
        )  # fmt: skip
    return Table(
        "strands",
        "Log-likelihood of alternative minus reference, in nats; negative: alternative less likely",
        "Mean over variants, for both strands and each; how far the strands rank alike.",
        (
            Column("model"), Column("variants", "count"), Column("both", "signed"),
            Column("forward", "signed"), Column("reverse", "signed"),
            Column("Spearman of strands", "signed"), Column("upstream nats"),
        ),
        tuple(rows),
    )  # fmt: skip


def _label_table(predictors: dict, label: Rows, block: Rows, kept: Rows) -> Table:
    samples = [kept[rows] for rows in block_draws(block[kept])]
    rows: list[tuple[Cell, ...]] = []
    for name, (kind, values) in predictors.items():
        cells: list[Cell] = [name, kind, kept.size]
        for measure in (auroc, auprc):
            cells += [
                measure(label[kept], values[kept]),
                interval(_of(measure, label, values), samples),
            ]
        rows.append((*cells, float(label[kept].mean())))
    return Table(
        "labels",
        "Pathogenic against benign",
        "AUROC below 0.5 ranks the wrong way. AUPRC of a random score is the base rate. Models "
        "are ranked by minus their log-likelihood ratio.",
        COLUMNS,
        tuple(rows),
    )


def _class_table(
    predictors: dict, label: Rows, block: Rows, group: Rows, kept: Rows
) -> Table | None:
    classes = {}
    for name in sorted(set(group[kept].tolist()) - {""}):
        members = kept[group[kept] == name]
        if MINIMUM <= label[members].sum() <= members.size - MINIMUM:
            classes[name] = members
    if not classes:
        return None
    samples = [kept[rows] for rows in block_draws(block[kept], 100)]
    rows: list[tuple[Cell, ...]] = []
    for name, (kind, values) in predictors.items():

        def macro(drawn: Rows, values: Rows = values) -> float:
            # A sample without both labels of some class has no macro mean.
            inside = [drawn[group[drawn] == one] for one in classes]
            return float(np.mean([auroc(label[at], values[at]) for at in inside]))

        each = [auroc(label[at], values[at]) for at in classes.values()]
        rows.append((name, kind, *each, float(np.mean(each)), interval(macro, samples)))
    heads = [Column(f"{name} ({len(at):,})") for name, at in classes.items()]
    return Table(
        "classes",
        "AUROC by class, and their plain mean",
        f"Classes with at least {MINIMUM} variants of each label.",
        (Column("score"), Column("kind"), *heads, Column("macro"), Column("95 %")),
        tuple(rows),
    )


def _spearman_table(
    predictors: dict, measured: Rows, block: Rows, group: Rows, kept: Rows
) -> Table:
    samples = [kept[rows] for rows in block_draws(block[kept])]
    names = sorted(set(group[kept].tolist()) - {""})
    inside = [kept[group[kept] == one] for one in names]
    inside = [at for at in inside if at.size >= MINIMUM]
    rows: list[tuple[Cell, ...]] = []
    for name, (kind, values) in predictors.items():
        signed = spearman(measured[kept], values[kept])
        per = [spearman(measured[at], values[at]) for at in inside]
        macro = float(np.mean(per)) if per else math.nan
        rows.append((name, kind, kept.size, signed,
                     interval(_of(spearman, measured, values), samples), macro))  # fmt: skip
    signed_column = Column("Spearman", "signed")
    return Table(
        "measured",
        "Rank correlation with the measured numbers, signed",
        "Models by minus their log-likelihood ratio: positive where what they find unlikely has "
        "the higher number. Macro: plain mean over classes of at least 10.",
        (Column("score"), Column("kind"), Column("variants", "count"), signed_column,
         Column("95 %", "signed"), Column("macro", "signed")),
        tuple(rows),
    )  # fmt: skip


def _against_trivial(
    predictors: dict, subjects: list[str], label: Rows, block: Rows, kept: Rows
) -> list[str]:
    """Each model against the trivial score that is furthest from chance, whatever its sign."""
    truth = label[kept]
    trivial = {
        name: values for name, (kind, values) in predictors.items() if kind == "trivial"
    }  # the random one is among them, and can't win but by luck
    best = max(trivial, key=lambda name: abs(auroc(truth, trivial[name][kept]) - 0.5))
    sign = 1 if auroc(truth, trivial[best][kept]) >= 0.5 else -1
    against = sign * trivial[best]
    samples = [kept[rows] for rows in block_draws(block[kept])]
    turned = " (turned round)" if sign < 0 else ""
    said = []
    for name in subjects:
        values = predictors[name][1]

        def gain(rows: Rows, values: Rows = values) -> float:
            return auroc(label[rows], values[rows]) - auroc(label[rows], against[rows])

        low, high = interval(gain, samples)
        verdict = "beats" if low > 0 else "is worse than" if high < 0 else "can't be told from"
        said.append(
            f"{name} {verdict} the best trivial score, {best}{turned}: AUROC differs by "
            f"{gain(kept):+.3f} (95 % {low:+.3f} to {high:+.3f})."
        )
        low, high = interval(_of(auroc, label, values), samples)
        if high < 0.5:
            said.append(f"{name} ranks the wrong way: its AUROC is below 0.5.")
    return said


def _of(measure: Callable, truth: Rows, values: Rows) -> Callable[[Rows], float]:
    return lambda rows: measure(truth[rows], values[rows])


def _chart(table: Table) -> Chart:
    series = []
    for name, kind, _, centre, bounds, *_ in table.rows:
        low, high = bounds  # type: ignore[misc]
        series.append(
            Series(str(name), (str(name),), (centre,), (low,), (high,), kind != "model")  # type: ignore[arg-type]
        )
    return Chart(
        "auroc", "AUROC of pathogenic against benign", "Controls are paler.", "dots", "AUROC", "",
        tuple(series), reference=0.5, reference_label="chance",
    )  # fmt: skip
