"""Tables and charts of boundaries: every figure beside the same from its controls."""

from collections.abc import Callable, Sequence

from genomenet.evaluation.boundaries.analysis import LOOKALIKE, Outcome
from genomenet.evaluation.boundaries.profiles import OFFSETS
from genomenet.evaluation.boundaries.sources import CONTROLS, SHUFFLED, TRAINED, UNTRAINED
from genomenet.evaluation.boundaries.stability import TOLERANCES, Stability
from genomenet.evaluation.boundaries.windows import Measured
from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.findings import Cell, Chart, Column, Series, Table

FEWEST_EDGES = 20
"""Kinds with fewer edges get no profile: a single boundary would be a peak."""

Pick = Callable[[Outcome], Sequence[Measured]]


def trained_outcomes(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those of trained models on the windows as they are."""
    return [one for one in outcomes if one.control == TRAINED]


def control_of(trained: Outcome, control: str, outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome of a control of a trained model's stage."""
    return next(
        one
        for one in outcomes
        if (one.of, one.stage, one.control) == (trained.of, trained.stage, control)
    )


def find(measured: Sequence[Measured], name: str) -> Measured | None:
    """The one of a name, None when there is none."""
    return next((one for one in measured if one.name == name), None)


def rate_summary(outcomes: Sequence[Outcome]) -> Table:
    """How long chunks are."""
    return Table(
        "chunks",
        "Achieved positions per chunk",
        "Of each stage; a stage within another counts the chunks of that one.",
        (Column("model"), *(Column(name, "number", 2) for name in ("trained", *CONTROLS))),
        tuple(
            (
                one.label,
                one.period,
                *(control_of(one, control, outcomes).period for control in CONTROLS),
            )
            for one in trained_outcomes(outcomes)
        ),
    )


def ratio_table(
    key: str,
    title: str,
    caption: str,
    names: tuple[str, str, str],
    outcomes: Sequence[Outcome],
    pick: Pick,
    controls: Sequence[str],
    format_share: bool = True,
) -> Table:
    """What was measured of trained models, and its ratio to the reference in all controls.

    Parameters
    ----------
    key, title, caption : str
        As of a table.
    names : tuple of str
        Headings of the thing measured, of its count and of its value.
    outcomes : sequence of Outcome
        All.
    pick : callable
        What is measured.
    controls : sequence of str
        Which are shown.
    format_share : bool
        Whether the values are shares.
    """
    rows: list[tuple[Cell, ...]] = []
    for one in trained_outcomes(outcomes):
        for measured in pick(one):
            row: list[Cell] = [one.label, measured.name, measured.n, measured.value]
            row += [measured.ratio.centre, bounds(measured.ratio)]
            for control in controls:
                other = find(pick(control_of(one, control, outcomes)), measured.name)
                row += [other.ratio.centre, bounds(other.ratio)] if other else [None, None]
            rows.append(tuple(row))
    return Table(
        key,
        title,
        caption,
        (
            Column("model"),
            Column(names[0]),
            Column(names[1], "count"),
            Column(names[2], "share", 1) if format_share else Column(names[2], "number", 2),
            Column("ratio", "number", 2),
            Column("95 %", "number", 2),
            *(
                column
                for control in controls
                for column in (
                    Column(control, "number", 2),
                    Column(f"95 % {control}", "number", 2),
                )
            ),
        ),
        tuple(rows),
    )


def stability_table(outcomes: Sequence[Outcome]) -> Table:
    """Jaccard index before and after, with the same of all controls."""
    rows: list[tuple[Cell, ...]] = []
    for one in trained_outcomes(outcomes):
        for i, mine in enumerate(one.stability):
            row: list[Cell] = [one.label, mine.change, mine.where, mine.windows]
            row += [mine.jaccard[0].centre, bounds(mine.jaccard[0]), mine.chance]
            for control in CONTROLS:
                row.append(control_of(one, control, outcomes).stability[i].jaccard[0].centre)
            row.append(mine.jaccard[1].centre)
            for control in CONTROLS:
                row.append(control_of(one, control, outcomes).stability[i].jaccard[1].centre)
            rows.append(tuple(row))
    within = f"within {TOLERANCES[1]} bp"
    return Table(
        "stability",
        "Boundaries that stay: Jaccard index before and after a change",
        "1 is no boundary moved. Chance: independent boundaries that are as frequent. Another "
        "window: what place alone gives, without the sequence.",
        (
            Column("model"),
            Column("change"),
            Column("where"),
            Column("windows", "count"),
            *(Column(name, "number", 2) for name in ("same base", "95 %", "chance", *CONTROLS)),
            *(
                Column(f"{name}{within}", "number", 2)
                for name in ("", *(f"{c}, " for c in CONTROLS))
            ),
        ),
        tuple(rows),
    )


def ratio_chart(
    key: str,
    title: str,
    caption: str,
    outcomes: Sequence[Outcome],
    pick: Pick,
    controls: Sequence[str],
) -> Chart:
    """Dots with intervals: one series a model, and one for each control of it."""
    names = tuple(dict.fromkeys(m.name for one in trained_outcomes(outcomes) for m in pick(one)))
    series = []
    for one in trained_outcomes(outcomes):
        for control in (TRAINED, *controls):
            own = [find(pick(control_of(one, control, outcomes)), name) for name in names]
            label = f"{one.label}, {control}" if control else one.label
            series.append(
                Series(
                    label,
                    names,
                    tuple(m.ratio.centre if m else float("nan") for m in own),
                    tuple(m.ratio.low if m else float("nan") for m in own),
                    tuple(m.ratio.high if m else float("nan") for m in own),
                    control=bool(control),
                    of=one.label,
                )
            )
    return Chart(
        key, title, caption, "dots", "ratio", "", tuple(series), reference=1.0,
        reference_label="no difference",
    )  # fmt: skip


def profile_charts(outcomes: Sequence[Outcome], kinds: Sequence[str]) -> list[Chart]:
    """Boundary rate around each kind of edge over that of all bases."""
    charts = []
    x = tuple(float(offset) for offset in OFFSETS)
    for kind in kinds:
        series = []
        for one in trained_outcomes(outcomes):
            edges = find(one.edges, kind)
            if edges is None or edges.n < FEWEST_EDGES:
                continue
            for control in (TRAINED, UNTRAINED, SHUFFLED, LOOKALIKE):
                for profile in control_of(one, control, outcomes).profiles:
                    if profile.kind == kind:
                        label = f"{one.label}, {control}" if control else one.label
                        rates = tuple(
                            float(hits / bases) if bases else float("nan")
                            for hits, bases in zip(profile.boundaries, profile.bases, strict=True)
                        )
                        series.append(Series(label, x, rates, control=bool(control), of=one.label))
        if series:
            charts.append(
                Chart(
                    f"profile-{kind.replace(' ', '-')}",
                    f"Boundaries around: {kind}",
                    "Share of bases that are boundaries, read in the direction of the edge; 0 is "
                    "the first base behind it.",
                    "lines",
                    "bases from the edge",
                    "boundaries per base",
                    tuple(series),
                )
            )
    return charts


def stability_chart(outcomes: Sequence[Outcome]) -> Chart:
    """Jaccard index in dots."""
    series = []
    for one in trained_outcomes(outcomes):
        for control in (TRAINED, *CONTROLS):
            other = control_of(one, control, outcomes)
            label = f"{one.label}, {control}" if control else one.label
            series.append(
                Series(
                    label,
                    tuple(_condition(found) for found in other.stability),
                    tuple(found.jaccard[0].centre for found in other.stability),
                    tuple(found.jaccard[0].low for found in other.stability),
                    tuple(found.jaccard[0].high for found in other.stability),
                    control=bool(control),
                    of=one.label,
                )
            )
    return Chart(
        "stability-dots", "Boundaries that stay",
        "Jaccard index of boundaries before and after a change, at the very same bases.",
        "dots", "Jaccard index", "", tuple(series),
    )  # fmt: skip


def bounds(estimate: Estimate) -> tuple[float, float]:
    """The interval as a cell."""
    return estimate.low, estimate.high


def _condition(found: Stability) -> str:
    return f"{found.change}, {found.where}"
