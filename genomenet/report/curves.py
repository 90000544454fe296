"""Figures of training: perplexity against bases and FLOPs, and bases per chunk over training."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from genomenet.evaluation.formatting import compact
from genomenet.report.figure_data import chunk_rates_csv, curves_csv
from genomenet.report.numbers import perplexity
from genomenet.report.style import (
    FAINT,
    INK,
    Drawing,
    colour,
    legend_height,
    log_bases,
    looks,
    marker,
    new_figure,
    to_svg,
)
from genomenet.report.summary import ArmSummary, Summary
from genomenet.study.results import CurvePoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (5.6, 4.5)


def by_bases(summary: Summary) -> Drawing:
    """Draw validation perplexity against training bases, the field's data-efficiency figure."""
    return _loss(
        summary,
        "perplexity-by-bases",
        "Perplexity against training data",
        "training bases",
        lambda point: float(point.bases),
    )


def by_flops(summary: Summary) -> Drawing:
    """Draw validation perplexity against training FLOPs at the achieved chunk rate."""
    return _loss(
        summary,
        "perplexity-by-flops",
        "Perplexity against training compute",
        "training FLOPs at the achieved chunk rate",
        lambda point: point.flops,
    )


def chunk_rates(summary: Summary) -> Drawing | None:
    """Draw achieved bases per chunk over training; None without a hierarchical arm."""
    arms = [one for one in summary.arms if any(run.curve[-1:] and run.curve[-1].bases_per_chunk
            for run in one.runs)]  # fmt: skip
    if not arms:
        return None
    from matplotlib.ticker import FuncFormatter

    name, title = "bases-per-chunk", "Bases per chunk over training"
    with looks(name):
        figure = new_figure(SIZE[0], SIZE[1] + legend_height(len(arms)))
        axes = figure.add_subplot()
        for one in arms:
            for run in one.runs:
                for stage in range(len(run.curve[-1].bases_per_chunk)):
                    points = [p for p in run.curve if len(p.bases_per_chunk) > stage]
                    axes.plot(
                        [p.bases for p in points],
                        [p.bases_per_chunk[stage] for p in points],
                        color=colour(one.index),
                        linestyle=("-", "--", ":")[stage % 3],
                        marker=marker(one.index),
                        markersize=3.5,
                        linewidth=1.4,
                        label=one.label if run is one.runs[0] and stage == 0 else None,
                    )
        for target in sorted({t for one in arms for t in one.first.target_bases_per_chunk}):
            axes.axhline(target, color=INK, linewidth=1, linestyle=(0, (5, 3)), zorder=1.5)
            _note(axes, target, f"target {target:g}", "right", above=False)
        rates = [rate for one in arms for run in one.runs for p in run.curve
                 for rate in p.bases_per_chunk]  # fmt: skip
        if min(rates) > 0 and max(rates) > 8 * min(rates):
            axes.set_yscale("log")  # routers often collapse for the first steps
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
        axes.margins(y=0.12)
        log_bases(axes, "training bases")
        axes.set_ylabel("bases per chunk")
        figure.legend(loc="outside lower center", ncols=2)
        words = [f"{one.label} ends at " + " and ".join(
            f"{value:.2f}" for value in one.first.curve[-1].bases_per_chunk) for one in arms
            if one.first.curve]  # fmt: skip
        description = f"Line chart. {'; '.join(words)} bases per chunk."
        svg = to_svg(figure, name, title, description)
    caption = (
        "How many bases an average chunk of each stage spans at each validation; the dashed "
        "line is the target. Inner stages are dashed or dotted."
    )
    return Drawing(name, title, caption, description, svg, csv=chunk_rates_csv(summary))


def _loss(
    summary: Summary, name: str, title: str, xlabel: str, position: Callable[[CurvePoint], float]
) -> Drawing:
    """Draw perplexity against something spent, with trivial rows as lines."""
    with looks(name):
        figure = new_figure(SIZE[0], SIZE[1] + legend_height(len(summary.arms)))
        axes = figure.add_subplot()
        shown: list[float] = []
        for one in summary.arms:
            shown += _draw_arm(axes, one, position)
        log_bases(axes, xlabel)
        axes.set_ylabel("validation perplexity")
        # The best trivial row is always in the picture; the others where they don't squeeze it.
        low, high = (min(shown), max(shown)) if shown else (3.0, 4.0)
        uniform = next(
            (math.exp(floor.nats) for floor in summary.study.floors if floor.name == "uniform"),
            math.inf,
        )
        if low < uniform < high:
            high = uniform  # worse than a die with as many sides is of no interest
        pad = 0.06 * (high - low) + 1e-3
        axes.set_ylim(low - pad, high + pad)
        for floor in summary.study.floors:
            best = summary.floor is not None and floor.name == summary.floor.name
            if not best and floor.name not in ("uniform", "base composition", "byte composition"):
                continue
            value = math.exp(floor.nats)
            if best or low - 6 * pad <= value <= high + 6 * pad:
                bottom, top = axes.get_ylim()
                axes.set_ylim(min(bottom, value - pad), max(top, value + pad))
                axes.axhline(value, color=FAINT, linewidth=0.9, zorder=1.5)
                side = "left" if best else "right"
                _note(axes, value, floor.name, side, above=floor.name == "uniform" or value < low)
        figure.legend(loc="outside lower center", ncols=2)
        words = "; ".join(f"{one.label} {_span(one, position)}" for one in summary.arms)
        description = f"Line chart of perplexity against {xlabel}. {words}."
        svg = to_svg(figure, name, title, description)
    caption = (
        "Validation perplexity at a constant learning rate (solid) and in decay (dashed), one line "
        "a seed. Left means cheaper, down means better; grey lines are trivial rows."
        + (" What is worse than uniform is cut off." if math.isfinite(uniform) else "")
    )
    return Drawing(name, title, caption, description, svg, csv=curves_csv(summary))


def _draw_arm(
    axes: "Axes", one: ArmSummary, position: Callable[[CurvePoint], float]
) -> list[float]:
    """Draw the seeds of an arm and return the perplexities drawn."""
    shown = []
    style: dict[str, Any] = {
        "color": colour(one.index),
        "marker": marker(one.index),
    }
    alpha = 1.0 if len(one.runs) == 1 else 0.75
    for run in one.runs:
        points = [p for p in run.curve if math.isfinite(p.nats) and position(p) > 0]
        solid = [p for p in points if p.phase != "decay"]
        # The dashed part starts at the last solid point, so that no gap opens between the two.
        dashed = solid[-1:] + [p for p in points if p.phase == "decay"]
        for part, line in ((solid, "-"), (dashed, (0, (2.5, 1.5)))):
            axes.plot(
                [position(p) for p in part],
                [math.exp(p.nats) for p in part],
                linestyle=line,
                markersize=3.5 if line == "-" else 0,
                linewidth=1.4,
                alpha=alpha,
                label=one.label if run is one.runs[0] and line == "-" else None,
                **style,
            )
        shown += [math.exp(p.nats) for p in points]
    return shown


def _note(axes: "Axes", y: float, text: str, side: str, above: bool) -> None:
    """Write a small label above or below the left or right end of a horizontal line."""
    axes.annotate(
        text,
        (0.01 if side == "left" else 0.99, y),
        (0, 2 if above else -2),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        ha=side,
        va="bottom" if above else "top",
        fontsize=8,
        color=FAINT,
    )


def _span(one: ArmSummary, position: Callable[[CurvePoint], float]) -> str:
    """Say where an arm's first run ends."""
    points = [p for p in one.first.curve if math.isfinite(p.nats)]
    if not points:
        return "has no finite validation"
    return f"ends at {perplexity(points[-1].nats)} after {compact(position(points[-1]))}"
