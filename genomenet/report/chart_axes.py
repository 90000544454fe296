"""The axes of charts of findings: scales, labels of numbers, and reference lines."""

import math
from typing import TYPE_CHECKING

from genomenet.evaluation.findings import Chart
from genomenet.evaluation.formatting import MINUS, compact
from genomenet.report.style import FAINT, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def finish_numbers(axes: "Axes", chart: Chart, named: bool) -> None:
    """Set scales and labels once all data are in.

    Parameters
    ----------
    axes : Axes
        One panel.
    chart : Chart
        What it shows.
    named : bool
        Whether the axes are named here; of several panels, the figure names them once.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    words = chart.kind != "dots" and any(
        isinstance(at, str) for series in chart.series for at in series.x
    )
    if not axes.lines and not axes.collections:
        axes.set_xlim(0.5, 2)
    if not _has_data(chart):
        axes.text(
            0.5, 0.5, "nothing finite to draw", transform=axes.transAxes, ha="center",
            va="center", color=FAINT,
        )  # fmt: skip
    elif not words:
        if chart.log_x:
            axes.set_xscale("log")
            low, high = axes.get_xlim()
            decades = high / low > 30
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if decades else (1.0, 2.0, 5.0)))
            axes.xaxis.set_minor_locator(NullLocator())
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    if chart.kind != "dots":
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        if named:
            axes.set_ylabel(chart.y_label)
    if named:
        axes.set_xlabel(chart.x_label)


def reference_line(axes: "Axes", chart: Chart, upright: bool, named: bool) -> None:
    """Draw the thin line that a chart asks for, with its name beside it where there is room."""
    if chart.reference is None:
        return
    at = chart.reference
    (axes.axvline if upright else axes.axhline)(
        at, color=FAINT, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1.5
    )
    if not (named and chart.reference_label):
        return
    box = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0, "alpha": 0.8}
    if upright:
        axes.annotate(
            chart.reference_label, (at, 1), (0, 2), xycoords=axes.get_xaxis_transform(),
            textcoords="offset points", ha="center", va="bottom", fontsize=8, color=FAINT, bbox=box,
        )  # fmt: skip
    else:
        axes.annotate(
            chart.reference_label, (0.99, at), (0, 2), xycoords=axes.get_yaxis_transform(),
            textcoords="offset points", ha="right", va="bottom", fontsize=8, color=FAINT,
        )  # fmt: skip


def number(value: float) -> str:
    """Write a tick: shortened when large, with a true minus sign."""
    if abs(value) >= 10_000:
        return compact(value).replace("-", MINUS)
    text = f"{value:.6g}" if abs(value) < 1e-9 or abs(value) >= 1e-4 else f"{value:.1e}"
    return text.replace("-", MINUS)


def _has_data(chart: Chart) -> bool:
    return any(
        math.isfinite(value) and not (chart.log_x and chart.kind == "dots" and value <= 0)
        for series in chart.series
        for value in series.y
    )
