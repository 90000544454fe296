"""Figure of the end of training: bits per base of every arm with its interval."""

import math

from genomenet.report.figure_data import final_bits_csv
from genomenet.report.numbers import basis, bits, bits_interval
from genomenet.report.style import (
    FAINT,
    PAPER,
    Drawing,
    colour,
    looks,
    marker,
    new_figure,
    to_svg,
)
from genomenet.report.summary import Summary


def final_bits(summary: Summary) -> Drawing | None:
    """Draw final held-out bits per base, best arm on top; None when no arm is finite."""
    ranked = summary.ranked
    if not ranked:
        return None
    name, title = "final-bits", "Held-out bits per base after training"
    log2 = math.log(2)
    with looks(name):
        figure = new_figure(5.6, 1.5 + 0.5 * len(ranked))
        axes = figure.add_subplot()
        axes.grid(visible=False, axis="y")
        for row, one in enumerate(ranked):
            estimate = one.final
            x = estimate.centre / log2
            if math.isfinite(estimate.low) and math.isfinite(estimate.high):
                axes.plot(
                    [estimate.low / log2, estimate.high / log2],
                    [row, row],
                    color=colour(one.index),
                    linewidth=2.2,
                    solid_capstyle="butt",
                )
            if one.before is not None:
                axes.plot(
                    one.before.centre / log2, row, marker=marker(one.index),
                    markersize=6, markerfacecolor=PAPER, color=colour(one.index),
                )  # fmt: skip
            axes.plot(
                x, row, marker=marker(one.index), markersize=7.5,
                color=colour(one.index),
            )  # fmt: skip
            axes.text(x, row - 0.24, bits(estimate.centre), ha="center", va="bottom", fontsize=8.5)
        if summary.floor is not None:
            value = summary.floor.nats / log2
            axes.axvline(value, color=FAINT, linewidth=0.9, linestyle=(0, (4, 2)))
            axes.text(
                value, len(ranked) - 0.42, summary.floor.name, ha="center", va="center",
                fontsize=8, color=FAINT,
                bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.2},
            )  # fmt: skip
        axes.set_yticks(range(len(ranked)), [one.label for one in ranked])
        axes.set_ylim(len(ranked) - 0.3, -0.65)
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.08)
        axes.set_xlabel("bits per base (left is better)")
        words = "; ".join(
            f"{one.label} {bits(one.final.centre)} ({bits_interval(one.final)})" for one in ranked
        )
        description = f"Dot plot of bits per base, best first. {words}."
        svg = to_svg(figure, name, title, description)
    caption = (
        f"Filled: after decay, with its interval ({basis(ranked[0].final)}). Open: before decay. "
        "Overlapping intervals do not mean a tie, since arms are compared in pairs: see the text."
    )
    return Drawing(name, title, caption, description, svg, csv=final_bits_csv(summary))
