"""Draw the figures of docs/performance.md from benchmarks/results."""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from _arms import BLT, HNET_MAMBA, HNET_TRANSFORMER, MAMBA, TRANSFORMER, WINDOWED
from _results import Missing, rows
from _tables import Row

from genomenet.files import whole_file
from genomenet.report.style import (
    FAINT,
    INK,
    colour,
    log_bases,
    looks,
    marker,
    new_figure,
    to_svg,
)

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTH = 7.2
"""Inches."""
ARMS = (TRANSFORMER, WINDOWED, MAMBA, HNET_MAMBA, HNET_TRANSFORMER, BLT)
"""In the order of their colours, the same in all figures."""


def series(found: list[Row], key: str = "arm") -> dict[str, list[Row]]:
    """Rows by arm, in their order."""
    groups: dict[str, list[Row]] = {}
    for row in found:
        groups.setdefault(row[key], []).append(row)
    return groups


def thousands(value: float, _: Any = None) -> str:
    """A number of a logarithmic axis."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def log_values(axis: Any) -> None:
    """Plain numbers on a logarithmic axis."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(thousands))
    axis.set_minor_formatter(NullFormatter())


def peers() -> Any:
    """How many times as fast as transformers: a dot a window and size, by kind of arm."""
    found = rows("training", "Beside transformers, with the same weights")
    labels = list(dict.fromkeys(f"{row['arm']}: {row['theirs']}" for row in found))
    precisions = list(dict.fromkeys(row["precision"] for row in found))
    figure = new_figure(WIDTH, 1.2 + 0.42 * len(labels))
    axes = figure.subplots()
    for number, precision in enumerate(precisions):
        here = [row for row in found if row["precision"] == precision]
        heights = [
            labels.index(f"{row['arm']}: {row['theirs']}") + 0.24 * (number - 0.5) for row in here
        ]
        axes.scatter(
            [row["ours is"] for row in here],
            heights,
            color=colour(number),
            marker=marker(number),
            label=precision,
            zorder=3,
        )
    axes.axvline(1, color=INK, linewidth=1)
    axes.set_xscale("log")
    log_values(axes.xaxis)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("times as fast as transformers, training step")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return figure


def decoding() -> Any:
    """Bases a second by context, for one row and the largest size."""
    found = rows("inference", "Decoding")
    largest = max(row["size"] for row in found)
    here = [row for row in found if row["size"] == largest and row["batch"] == 1]
    figure = new_figure(WIDTH, 3.8)
    axes = figure.subplots()
    for arm, members in series(here).items():
        number = ARMS.index(arm)
        points = [(row["length"], row["bases_per_s"]) for row in members if row.get("bases_per_s")]
        axes.plot(*zip(*points, strict=True), marker(number) + "-", color=colour(number), label=arm)
    log_bases(axes, "bases before")
    axes.set_yscale("log")
    log_values(axes.yaxis)
    axes.set_ylabel("bases decoded a second")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def by_length() -> Any:
    """Microseconds a base of a training step by window; hollow where only modelled."""
    found = [row for row in rows("scaling", "By length") if row["pass"] == "training step"]
    figure = new_figure(WIDTH, 3.8)
    axes = figure.subplots()
    for arm, members in series(found).items():
        number = ARMS.index(arm)
        measured = [(row["length"], row["us_per_base"]) for row in members if row.get("seconds")]
        axes.plot(
            *zip(*measured, strict=True), marker(number) + "-", color=colour(number), label=arm
        )
        beyond = [
            (row["length"], row["predicted_us_per_base"])
            for row in members
            if row.get("stopped") and row.get("predicted_us_per_base")
        ]
        if beyond:
            axes.plot(
                *zip(measured[-1], *beyond, strict=True),
                linestyle=":",
                color=colour(number),
                marker=marker(number),
                markerfacecolor="none",
                markevery=range(1, 1 + len(beyond)),
            )
    log_bases(axes, "bases of the window")
    axes.set_yscale("log")
    log_values(axes.yaxis)
    axes.set_ylabel("microseconds a base, training step")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def profile() -> Any:
    """Microseconds a base of a training step, stacked by what they are spent on."""
    arms = series(rows("where_time_goes", "Shares"))
    groups = list(dict.fromkeys(row["group"] for members in arms.values() for row in members))
    figure = new_figure(WIDTH, 1.6 + 0.38 * len(arms))
    axes = figure.subplots()
    left = dict.fromkeys(arms, 0.0)
    for number, group in enumerate(groups):
        widths = [
            next((row["us_per_base"] for row in members if row["group"] == group), 0.0)
            for members in arms.values()
        ]
        # Two rounds of seven colours: the second is lighter.
        axes.barh(
            list(arms),
            widths,
            left=list(left.values()),
            color=colour(number),
            alpha=1 if number < 7 else 0.5,
            edgecolor="none",
            label=group,
            height=0.7,
        )
        left = {arm: left[arm] + width for arm, width in zip(arms, widths, strict=True)}
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", colors=FAINT, labelcolor=INK)
    axes.set_xlabel("microseconds a base, training step")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


FIGURES: dict[str, tuple[Callable[[], Any], str]] = {
    "performance-peers": (peers, "Training steps beside transformers with the same weights"),
    "performance-decoding": (decoding, "Bases decoded a second by the number of bases before"),
    "performance-by-length": (by_length, "Cost of a training step per base by length of window"),
    "performance-profile": (profile, "What a training step of each arm spends its time on"),
}
"""File name: how to draw it, and its title."""


def drawn() -> Iterator[str]:
    """Draw what there are results for; yields a sentence on each that is missing."""
    for name, (draw, title) in FIGURES.items():
        try:
            with looks(name):
                figure = draw()
                description = f"{title}. The numbers are in the tables of docs/performance.md."
                svg = to_svg(figure, name, title, description)
        except Missing as missing:
            yield str(missing)
            continue
        with whole_file(IMAGES / f"{name}.svg") as handle:
            handle.write(svg)


def main() -> None:
    """Draw all figures; exit with 1 and a sentence on each result that is missing."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    if lacking := list(dict.fromkeys(drawn())):
        sys.exit("\n".join(lacking))


if __name__ == "__main__":
    main()
