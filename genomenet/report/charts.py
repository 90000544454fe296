"""Charts of findings as figures: dots with intervals, lines, and points."""

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genomenet.evaluation.findings import Chart, Series
from genomenet.evaluation.findings_file import chart_csv
from genomenet.report.chart_axes import finish_numbers, reference_line
from genomenet.report.series_style import Look, Palette
from genomenet.report.style import FAINT, PAPER, Drawing, looks, new_figure, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NARROW, WIDE = 5.6, 9.0
ONE_PANEL_SERIES = 7
"""More series than these get a panel for each arm, its controls in the same one."""
ONE_PANEL_ROWS = 64
"""More dots than these, likewise."""
COLUMNS = {"dots": 5, "lines": 3, "points": 3}
"""Panels beside each other; those of dots share the names of their rows."""
Pair = tuple[Series, Look]


def draw_chart(chart: Chart, prefix: str, palette: Palette) -> Drawing:
    """Draw a chart of findings.

    Parameters
    ----------
    chart : Chart
        Its data.
    prefix : str
        Before its key, so that ids and file names are the page's only ones.
    palette : Palette
        Colours of the page; new labels are added.

    Returns
    -------
    Drawing
        With the data as CSV. What has no finite value is left out, and told when an axis is the
        reason.
    """
    name = f"{prefix}-{chart.key}"
    pairs = list(zip(chart.series, palette.looks(chart.series), strict=True))
    categories = _categories(chart)
    wide = _panels_wanted(chart, categories)
    panels = _grouped(pairs) if wide else [pairs]
    with looks(name):
        svg = _figure(chart, name, panels, categories)
    missing = _off_axis(chart)
    caption = chart.caption
    if missing:
        caption += f" Left out, without a place on the logarithmic axis: {missing}."
    if any(series.control for series in chart.series):
        caption += " Controls are open and dashed."
    if wide:
        caption += _panel_key(chart, panels)
    return Drawing(
        name, chart.title, caption.strip(), _description(chart), svg, wide, chart_csv(chart)
    )


def _figure(chart: Chart, name: str, panels: list[list[Pair]], categories: list[str]) -> str:
    across = min(COLUMNS[chart.kind], len(panels))
    down = -(-len(panels) // across)
    width = WIDE if len(panels) > 1 else NARROW
    legend = [pair for pairs in panels for pair in pairs] if len(panels) == 1 else []
    entries = _legend_lines([series.label for series, _ in legend]) if legend else 0
    if chart.kind == "dots":
        most = max(len(pairs) for pairs in panels)
        lines = [_wrapped(category, 30) for category in categories]
        row = [max(0.1 + 0.15 * most, 0.17 * (line.count("\n") + 1) + 0.08) for line in lines]
        high = 0.9 + sum(row or [0.4])
    else:
        row, high = [], 3.2 if len(panels) == 1 else 2.3
    figure = new_figure(width, high * down + 0.2 * entries)
    axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for i, panel in enumerate(axes.flat):
        if i >= len(panels):
            panel.set_visible(False)
            continue
        if chart.kind == "dots":
            _dots(panel, chart, panels[i], categories, row)
        else:
            _curves(panel, chart, panels[i])
        reference_line(panel, chart, upright=chart.kind == "dots", named=len(panels) == 1)
        if len(panels) > 1:
            panel.set_title(_wrapped(_arm(panels[i]), 34), loc="left")
            if chart.kind == "lines" and len(panels[i]) > 1:
                panel.legend(_within(panels[i]), fontsize=7)
        lowest = i + across >= len(panels)
        finish_numbers(panel, chart, named=len(panels) == 1)
        panel.tick_params(labelbottom=lowest)
    if len(panels) > 1:
        figure.supxlabel(chart.x_label, fontsize=9.5)
        figure.supylabel("" if chart.kind == "dots" else chart.y_label, fontsize=9.5)
    if entries:
        handles: dict[str, Any] = {}
        for panel in axes.flat:
            for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
        long = max(len(series.label) for series, _ in legend) > 34
        figure.legend(
            list(handles.values()), list(handles), loc="outside lower center",
            ncols=1 if long else 2,
        )  # fmt: skip
    return to_svg(figure, name, chart.title, _description(chart))


def _dots(
    axes: "Axes", chart: Chart, pairs: list[Pair], categories: list[str], heights: list[float]
) -> None:
    """Draw categories from the top down, the series of each below one another."""
    tops = [sum(heights[:i]) for i in range(len(heights))]
    middles = [top + height / 2 for top, height in zip(tops, heights, strict=True)]
    gap = 0.15
    for place, (series, look) in enumerate(pairs):
        offset = (place - (len(pairs) - 1) / 2) * gap
        places = dict(zip(categories, middles, strict=True))
        y = [places[str(category)] + offset for category in series.x]
        held = [
            (here, *bounds)
            for x, here, bounds in zip(series.y, y, _bounds(series), strict=True)
            if bounds is not None and _shown(x, chart.log_x) and _shown(bounds[0], chart.log_x)
        ]
        axes.hlines(
            [here for here, *_ in held], [low for _, low, _ in held], [high for *_, high in held],
            color=look.colour, linewidth=1.9, alpha=look.alpha,
            linestyle="-" if look.filled else look.line,
        )  # fmt: skip
        finite = [(x, here) for x, here in zip(series.y, y, strict=True) if _shown(x, chart.log_x)]
        axes.plot(
            [x for x, _ in finite], [here for _, here in finite], linestyle="",
            marker=look.marker, markersize=5.5, color=look.colour, alpha=look.alpha,
            markerfacecolor=look.colour if look.filled else PAPER, label=_wrapped(series.label, 60),
        )  # fmt: skip
    axes.grid(visible=False, axis="y")
    axes.set_yticks(middles, [_wrapped(category, 30) for category in categories])
    axes.set_ylim(sum(heights) or 1, 0)
    axes.tick_params(axis="y", length=0)
    axes.hlines(
        tops[1:], 0, 1, transform=axes.get_yaxis_transform(), color=FAINT, linewidth=0.4, alpha=0.4
    )
    axes.margins(x=0.07)


def _curves(axes: "Axes", chart: Chart, pairs: list[Pair]) -> None:
    """Draw lines with bands, or points with bars, over numbers."""
    words = _categories(chart) if _in_words(chart) else []
    for series, look in pairs:
        x = [float(words.index(str(at))) if words else float(at) for at in series.x]
        kept = [
            (at, value, bounds)
            for at, value, bounds in zip(x, series.y, _bounds(series), strict=True)
            # Where a line has no value, it has a gap.
            if _shown(at, chart.log_x) and (math.isfinite(value) or chart.kind == "lines")
        ]
        lines = chart.kind == "lines"
        if lines and any(bounds for *_, bounds in kept):
            held = [(at, *(bounds or (math.nan, math.nan))) for at, _, bounds in kept]
            axes.fill_between(
                [at for at, *_ in held], [low for _, low, _ in held],
                [high for *_, high in held], color=look.colour, alpha=0.14, linewidth=0,
            )  # fmt: skip
        elif not lines:
            for at, _, bounds in kept:
                if bounds is not None:
                    axes.plot([at, at], bounds, color=look.colour, alpha=look.alpha, linewidth=1.4)
        few = len(kept) <= 40
        axes.plot(
            [at for at, *_ in kept], [value for _, value, _ in kept], color=look.colour,
            alpha=look.alpha, linestyle=look.line if lines else "", linewidth=1.5,
            marker=look.marker if few or not lines else None,
            markersize=3.8 if lines else 6.5,
            markerfacecolor=look.colour if look.filled else PAPER, label=_wrapped(series.label, 60),
        )  # fmt: skip
    if words:
        axes.set_xticks(range(len(words)), [_wrapped(word, 14) for word in words])
    axes.margins(x=0.04, y=0.1)


def _grouped(pairs: list[Pair]) -> list[list[Pair]]:
    """Series by arm: what is of one colour goes into one panel."""
    groups: dict[int, list[Pair]] = {}
    for series, look in pairs:
        groups.setdefault(look.group, []).append((series, look))
    return list(groups.values())


def _panel_key(chart: Chart, panels: list[list[Pair]]) -> str:
    """What stands where in the panels, which have no room for a legend."""
    told = ""
    most = max(panels, key=len)
    if chart.kind == "dots" and len(most) > 1:
        told += f" In a panel, from the top: {'; '.join(_within(most))}."
    if chart.reference is not None and chart.reference_label:
        told += f" Thin line: {chart.reference_label}."
    return told


def _arm(panel: list[Pair]) -> str:
    """What a panel is of."""
    return panel[0][0].of or panel[0][0].label


def _within(panel: list[Pair]) -> list[str]:
    """The series of a panel, without the arm, which the panel is called by."""
    labels = [series.label.removeprefix(_arm(panel)).lstrip(", ") for series, _ in panel]
    return [label or "model" for label in labels]


def _panels_wanted(chart: Chart, categories: list[str]) -> bool:
    if len({series.of or series.label for series in chart.series}) < 2:
        return False
    crowded = chart.kind == "dots" and len(categories) * len(chart.series) > ONE_PANEL_ROWS
    lines = chart.kind == "lines" and len(chart.series) > ONE_PANEL_SERIES
    return crowded or lines


def _categories(chart: Chart) -> list[str]:
    return list(dict.fromkeys(str(at) for series in chart.series for at in series.x))


def _in_words(chart: Chart) -> bool:
    return any(isinstance(at, str) for series in chart.series for at in series.x)


def _bounds(series: Series) -> list[tuple[float, float] | None]:
    """Intervals that are finite."""
    if not series.low or not series.high:
        return [None] * len(series.x)
    return [
        (low, high) if math.isfinite(low) and math.isfinite(high) else None
        for low, high in zip(series.low, series.high, strict=True)
    ]


def _shown(value: float, logarithmic: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not logarithmic)


def _off_axis(chart: Chart) -> str:
    """How many finite points a logarithmic axis can't show, in words."""
    if not chart.log_x:
        return ""
    along = [at for one in chart.series for at in (one.y if chart.kind == "dots" else one.x)]
    count = sum(not isinstance(at, str) and math.isfinite(at) and at <= 0 for at in along)
    return f"{count} point{'s' if count > 1 else ''}" if count else ""


def _wrapped(text: str, width: int) -> str:
    """Break a long label into at most three lines; a still longer one is cut."""
    lines = textwrap.wrap(text, width, break_long_words=True) or [""]
    return "\n".join(lines if len(lines) <= 3 else [*lines[:2], lines[2][: width - 1] + "…"])


def _legend_lines(labels: Sequence[str]) -> int:
    """Lines that a legend takes."""
    if max(map(len, labels)) > 34:
        return sum(_wrapped(label, 60).count("\n") + 1 for label in labels) + 1
    return -(-len(labels) // 2) + 1


def _description(chart: Chart) -> str:
    """Say what a chart holds to those who cannot see it, with its first and last numbers."""
    kinds = {"dots": "Dot plot", "lines": "Line chart", "points": "Scatter plot"}
    words = []
    for series in chart.series[:12]:
        finite = [
            (at, value)
            for at, value in zip(series.x, series.y, strict=True)
            if math.isfinite(value)
        ]
        control = " (control)" if series.control else ""
        ends = [finite[0], finite[-1]] if len(finite) > 1 else finite
        told = " to ".join(
            f"{value:.4g} at {at if isinstance(at, str) else f'{at:.4g}'}" for at, value in ends
        )
        words.append(f"{series.label}{control}: {told or 'nothing finite'}")
    rest = len(chart.series) - 12
    more = f"; {rest} more in the CSV" if rest > 0 else ""
    axis = chart.x_label if chart.kind == "dots" else f"{chart.y_label} against {chart.x_label}"
    return f"{kinds[chart.kind]} of {axis}. {'; '.join(words)}{more}."
