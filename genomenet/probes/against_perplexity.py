"""Probes beside perplexity: whether models that predict bases better give better features."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import spearmanr

from genomenet.evaluation.findings import Chart, Column, Series, Table
from genomenet.probes.suite import TaskResults

FEWEST = 4
"""Models for a rank correlation: with three, a perfect one comes about by chance in a third."""


@dataclass(frozen=True)
class Likelihoods:
    """Nats per base of models.

    Attributes
    ----------
    nats : dict of str to float
        By name of the model; those that are not known are left out.
    what : str
        Where they come from.
    """

    nats: Mapping[str, float]
    what: str


def perplexity_parts(
    results: Sequence[TaskResults], models: Sequence[str], likelihoods: Likelihoods
) -> tuple[Table, Chart, tuple[str, ...]]:
    """Table, chart and sentence of probe scores against bits per base."""
    rows, points = [], []
    for name in models:
        nats = likelihoods.nats.get(name)
        found = [
            (outcome.scored.sure.centre, outcome.scored.minus(twin.scored).centre)
            for one in results
            if (outcome := one.outcomes.get((0, "model", name)))
            and (twin := one.outcomes.get((0, "twin", name)))
        ]
        score, gain = (
            (sum(part) / len(found) for part in zip(*found, strict=True))
            if found
            else (
                None,
                None,
            )
        )
        bits = nats / math.log(2) if nats is not None else None
        perplexity = math.exp(nats) if nats is not None else None
        rows.append((name, bits, perplexity, score, gain, len(found)))
        if bits is not None and gain is not None:
            points.append((name, bits, gain, score))
    table = Table(
        "perplexity",
        "Probes and perplexity",
        "Means over tasks, with all train rows.",
        (
            Column("model"),
            Column("bits/base", "number", 4),
            Column("perplexity", "number", 4),
            Column("mean score", "number"),
            Column("mean gain over twin", "signed"),
            Column("tasks", "count"),
        ),
        tuple(rows),
    )
    chart = Chart(
        "gain-by-bits",
        "Gain over random weights against bits per base",
        "One point a model: means over tasks, with all train rows.",
        "points",
        "bits per base",
        "mean gain over twin",
        tuple(Series(name, (bits,), (gain,)) for name, bits, gain, _ in points),
        reference=0.0,
        reference_label="as random weights",
    )
    return table, chart, (_sentence(points),)


def _sentence(points: Sequence[tuple[str, float, float, float | None]]) -> str:
    if len(points) < FEWEST:
        return (
            f"Whether lower perplexity goes with better probes is not asked of {len(points)} "
            f"model{'s' if len(points) != 1 else ''}; it takes {FEWEST}."
        )
    bits = [point[1] for point in points]
    told = []
    for what, values in (("gains", [p[2] for p in points]), ("scores", [p[3] for p in points])):
        found = spearmanr(bits, values)
        sure = "significant" if found.pvalue < 0.05 else "not significant"
        told.append(f"mean {what} {found.statistic:+.2f} (p = {found.pvalue:.2f}, {sure})")
    text = (
        f"Rank correlation of bits per base over {len(points)} models with "
        f"{' and with '.join(told)}; negative is what one hopes for."
    )
    return text.replace(" -", " \u2212")
