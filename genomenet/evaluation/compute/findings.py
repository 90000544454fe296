"""Findings of where compute goes: curves, choices by window, chunks and surprise."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from genomenet.evaluation.blocks import Blocks, lay_blocks
from genomenet.evaluation.compute.charts import choice_chart, curve_charts, surprise_charts
from genomenet.evaluation.compute.choices import choose, surprise_before
from genomenet.evaluation.compute.curve import (
    outermost_stage,
    threshold_grid,
    trace_curve,
    trained_threshold,
)
from genomenet.evaluation.compute.estimates import (
    ComputeResult,
    dealt_estimates,
    point_estimates,
)
from genomenet.evaluation.compute.sentences import compute_notes, compute_sentences
from genomenet.evaluation.compute.surprise import FEWEST, measure_surprise
from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.findings import Cell, Column, Findings, Table
from genomenet.evaluation.held_out import HeldOut
from genomenet.evaluation.subject import Subject

BIT = math.log(2)


@dataclass(frozen=True)
class ComputePlan:
    """What is to be scored.

    Attributes
    ----------
    subjects : list of Subject
        All models.
    held_out : HeldOut
        The windows.
    thresholds : list of list of float
        Of each model; empty where nothing is compared with a threshold.
    """

    subjects: list[Subject]
    held_out: HeldOut
    thresholds: list[list[float]]

    @property
    def windows_to_score(self) -> int:
        """Passes over windows, at most."""
        passes = sum(
            len(grid) + 2 if grid else 1 + (outermost_stage(subject) is not None)
            for subject, grid in zip(self.subjects, self.thresholds, strict=True)
        )
        return passes * len(self.held_out.tiles())


def plan_compute(
    subjects: list[Subject], held_out: HeldOut, thresholds: list[float]
) -> ComputePlan:
    """Settle the thresholds of every model: those given, or a grid measured on the windows."""
    grids: list[list[float]] = []
    for subject in subjects:
        trained = trained_threshold(subject)
        if trained is None:
            grids.append([])
        elif thresholds:
            grids.append(sorted({trained, *thresholds}))
        else:
            grids.append(threshold_grid(subject, held_out))
    return ComputePlan(subjects, held_out, grids)


def measure_compute(
    plan: ComputePlan, progress: Callable[[int], object] | None = None
) -> tuple[list[ComputeResult], Blocks]:
    """Score everything that is planned, one model after the other."""
    tiles = plan.held_out.tiles()
    blocks = lay_blocks(tiles)
    found = []
    for subject, grid in zip(plan.subjects, plan.thresholds, strict=True):
        curve = trace_curve(subject, tiles, blocks, grid, progress)
        choices, surprise = None, []
        if curve.moves:
            choices = choose(curve, surprise_before(subject, plan.held_out, tiles, progress))
        if outermost_stage(subject) is not None:
            surprise = measure_surprise(subject, tiles, blocks, plan.held_out.regions, progress)
        found.append(ComputeResult(curve, choices, surprise))
    return found, blocks


def compute_findings(
    results: list[ComputeResult],
    blocks: Blocks,
    unit: str,
    created: str,
    command: str,
    version: str,
    inputs: dict[str, str],
) -> Findings:
    """Put findings together.

    Parameters
    ----------
    results : list of ComputeResult
        One a model.
    blocks : Blocks
        Of the windows.
    unit : str
        What is scored: base or byte.
    created, command, version, inputs
        As in `Findings`.
    """
    tables = [curve_table(results, blocks, unit)]
    if any(result.choices for result in results):
        tables.append(choice_table(results, blocks, unit))
    if any(result.surprise for result in results):
        tables.append(surprise_table(results, unit))
    charts = [
        *curve_charts(results, blocks, unit),
        *choice_chart(results, blocks, unit),
        *surprise_charts(results, unit),
    ]
    return Findings(
        kind="compute",
        title="Where compute goes",
        created=created,
        command=command,
        version=version,
        inputs=inputs,
        sentences=tuple(compute_sentences(results, blocks, unit)),
        tables=tuple(tables),
        charts=tuple(charts),
        notes=tuple(compute_notes(results, blocks, unit)),
    )


def curve_table(results: list[ComputeResult], blocks: Blocks, unit: str) -> Table:
    """One row a point of a curve."""
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        curve = result.curve
        trained = curve.as_trained
        estimates = point_estimates(curve, blocks)
        for i, (point, (bits, change)) in enumerate(zip(curve.points, estimates, strict=True)):
            moved = curve.moves and i != curve.trained
            rows.append(
                (
                    result.label,
                    point.threshold,
                    "trained" if curve.moves and not moved else "" if moved else "none to move",
                    point.bases_per_chunk,
                    point.flops_per_base,
                    point.flops_per_base / trained.flops_per_base,
                    _bits(bits),
                    _interval(bits),
                    math.exp(point.nats_per_base),
                    _bits(change) if moved else None,
                    _interval(change) if moved else None,
                )
            )
    return Table(
        "curve",
        "Likelihood as the threshold moves",
        "The weights stay as trained. FLOPs are forward ones at the achieved chunks, the mean over "
        "windows; change is the paired difference from the trained threshold, negative is better.",
        (
            Column("model"),
            Column("threshold", "number", 4),
            Column(""),
            Column(f"{unit}s/chunk", "number", 2),
            Column(f"FLOP/{unit}", "compact"),
            Column("of trained", "share", 0),
            Column(f"bits/{unit}", "number", 4),
            Column("95 %", "number", 4),
            Column("perplexity", "number", 3),
            Column("change", "signed", 5),
            Column("95 % of it", "signed", 5),
        ),
        tuple(rows),
    )


def choice_table(results: list[ComputeResult], blocks: Blocks, unit: str) -> Table:
    """One row a way to choose thresholds."""
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        if result.choices is None:
            continue
        for dealt in dealt_estimates(result.choices, blocks):
            rows.append(
                (
                    result.label,
                    dealt.name,
                    dealt.flops_per_base,
                    dealt.denser,
                    _bits(dealt.level),
                    _interval(dealt.level),
                    _bits(dealt.gap) if dealt.gap else None,
                    _interval(dealt.gap) if dealt.gap else None,
                    _bits(dealt.over_shuffled) if dealt.over_shuffled else None,
                    _interval(dealt.over_shuffled) if dealt.over_shuffled else None,
                )
            )
    return Table(
        "choices",
        "A threshold for every window, at the budget of the trained one",
        "The oracle has seen the nats that it is judged by: it bounds what any choice could gain, "
        "and is no result. Its lead is in part noise that it picks. Shuffled: the choices by the "
        "window before, dealt at random; its 95 % is over shuffles. Differences are paired, "
        "negative is better.",
        (
            Column("model"),
            Column("threshold by"),
            Column(f"FLOP/{unit}", "compact"),
            Column("windows denser", "share", 0),
            Column(f"bits/{unit}", "number", 4),
            Column("95 %", "number", 4),
            Column("minus one threshold", "signed", 5),
            Column("95 % of it", "signed", 5),
            Column("minus shuffled", "signed", 5),
            Column("95 % of that", "signed", 5),
        ),
        tuple(rows),
    )


def surprise_table(results: list[ComputeResult], unit: str) -> Table:
    """One row a model, class and kind of surprise."""
    rows: list[tuple[Cell, ...]] = [
        (
            result.label,
            one.kind,
            WHAT[one.what].format(unit=unit),
            one.chunks,
            *_pair(one.real),
            *_pair(one.control),
            *_pair(one.gap),
        )
        for result in results
        for one in result.surprise
    ]
    return Table(
        "surprise",
        "Rank correlation of chunk length with local surprise",
        f"Spearman's; negative: chunks are short where {unit}s are surprising. The control lays "
        "the same lengths over the window in shuffled orders. By class of the first "
        f"{unit}; classes of fewer than {FEWEST} chunks are left out.",
        (
            Column("model"),
            Column("class"),
            Column("surprise of"),
            Column("chunks", "count"),
            Column("correlation", "signed", 3),
            Column("95 %", "signed", 3),
            Column("control", "signed", 3),
            Column("95 % of it", "signed", 3),
            Column("minus control", "signed", 3),
            Column("95 % of that", "signed", 3),
        ),
        tuple(rows),
    )


WHAT = {"deciding": "the deciding {unit}", "within": "the chunk's {unit}s"}


def _pair(estimate: Estimate) -> tuple[Cell, Cell]:
    return estimate.centre, (estimate.low, estimate.high)


def _bits(estimate: Estimate) -> float:
    return estimate.centre / BIT


def _interval(estimate: Estimate) -> tuple[float, float]:
    return estimate.low / BIT, estimate.high / BIT
