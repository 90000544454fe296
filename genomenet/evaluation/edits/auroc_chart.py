"""The chart that variants and genes share: how well models and controls rank labels."""

import math
from collections.abc import Iterable

from genomenet.evaluation.findings import Cell, Chart, Series


def auroc_chart(title: str, rows: Iterable[tuple[Cell, Cell, Cell, Cell]]) -> Chart:
    """Draw one row for each score: models, and controls paler.

    Parameters
    ----------
    title : str
        Of the chart.
    rows : iterable of (name, kind, centre, interval)
        As in the table of findings. Scores without an interval, and those of models that are not
        comparable, are left out.
    """
    shown = [
        (str(name), kind == "model", centre, interval)
        for name, kind, centre, interval in rows
        if kind != "not comparable" and isinstance(interval, tuple) and isinstance(centre, float)
    ]
    names = tuple(name for name, *_ in shown)

    def series(label: str, models: bool) -> Series:
        return Series(
            label,
            names,
            tuple(centre if model == models else math.nan for _, model, centre, _ in shown),
            tuple(at[0] if model == models else math.nan for _, model, _, at in shown),
            tuple(at[1] if model == models else math.nan for _, model, _, at in shown),
            control=not models,
        )

    drawn = tuple(
        series(label, models)
        for label, models in (("models", True), ("controls", False))
        if any(model == models for _, model, _, _ in shown)
    )
    return Chart(
        "auroc", title, "Controls are paler.", "dots", "AUROC", "", drawn,
        reference=0.5, reference_label="chance",
    )  # fmt: skip
