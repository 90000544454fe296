"""The chart of a task: every model, its twin, and the floors."""

import math
from collections.abc import Sequence

from genomenet.evaluation.findings import Chart, Series
from genomenet.probes.scores import Sure
from genomenet.probes.suite import Kind, TaskResults


def task_chart(results: TaskResults, models: Sequence[str]) -> Chart:
    """Scores with all train rows (else with the most there are), intervals over test rows."""
    shots = min(
        (number for number, _, _ in results.outcomes), key=lambda number: (number > 0, -number)
    )

    def series(label: str, kind: Kind, control: bool) -> Series:
        found: list[Sure | None] = []
        for name in models:
            outcome = results.outcomes.get((shots, kind, name))
            found.append(outcome.scored.sure if outcome else None)
        return _series(label, models, found, control)

    floors = [
        _series(name, models, [outcome.scored.sure] * len(models), True)
        for (number, kind, name), outcome in results.outcomes.items()
        if kind == "floor" and number == shots
    ]
    measure = "R2" if results.task.numeric else "MCC"
    rows = f"{shots} rows of each class" if shots else "all train rows"
    return Chart(
        f"task-{results.task.name}",
        f"{results.task.name}: {measure} with {rows}",
        "Intervals: 95 % bootstrap over test rows. Controls are paler: the twin with random "
        "weights, and the floors, which are the same for all models.",
        "dots",
        measure,
        "",
        (series("trained", "model", False), series("random weights", "twin", True), *floors),
    )


def _series(
    label: str, models: Sequence[str], found: Sequence[Sure | None], control: bool
) -> Series:
    return Series(
        label,
        tuple(models),
        tuple(one.centre if one else math.nan for one in found),
        tuple(one.over_rows[0] if one else math.nan for one in found),
        tuple(one.over_rows[1] if one else math.nan for one in found),
        control=control,
    )
