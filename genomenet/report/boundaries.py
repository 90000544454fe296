"""Figure of where boundaries fall along a held-out window, above its genes and repeats."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from genomenet.report.figure_data import boundaries_csv
from genomenet.report.numbers import listing
from genomenet.report.style import (
    FAINT,
    GRID,
    INK,
    Drawing,
    colour,
    looks,
    new_figure,
    to_svg,
)
from genomenet.report.summary import Summary
from genomenet.study.results import Example, Track

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 128
ZOOM_BP = 120


def boundary_window(summary: Summary) -> Drawing | None:
    """Draw boundary rate along the example window and, base by base, around its first exon edge.

    Parameters
    ----------
    summary : Summary
        Of a study with or without an example.

    Returns
    -------
    Drawing or None
        None without an example or without tracks.
    """
    example = summary.study.example
    known = {one.arm for one in summary.arms}
    tracks: dict[tuple[str, int], Track] = {}
    for track in example.tracks if example else ():
        if track.arm in known:
            tracks.setdefault((track.arm, track.stage), track)  # one seed is enough to look at
    if example is None or not tracks:
        return None
    name, title = "boundaries", "Where boundaries fall"
    shown = list(tracks.values())
    labels = [_label(summary, track, shown) for track in shown]
    colours = [colour(summary.arm(track.arm).index) for track in shown]
    low, high = zoom(example)
    with looks(name):
        figure = new_figure(9.0, 2.7 + 0.95 * len(shown))
        heights = [2.0, 0.75, *([1.0] * len(shown))]
        grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
        top = figure.add_subplot(grid[0])
        _overview(top, example, shown, labels, colours, (low, high))
        genes = figure.add_subplot(grid[1], sharex=top)
        _annotation(genes, example)
        for i, track in enumerate(shown):
            axes = figure.add_subplot(grid[2 + i])
            _bases(axes, example, track, labels[i], colours[i], (low, high))
            axes.tick_params(labelbottom=i == len(shown) - 1)
        axes.set_xlabel(f"{example.contig}, base by base (arrowheads: a chunk starts)")
        rates = [
            f"{label}: a boundary at {100 * np.mean(track.boundary):.1f} % of bases"
            for label, track in zip(labels, shown, strict=True)
        ]
        description = (
            f"{example.contig}:{example.start:,}-{example.end:,} with {len(example.genes)} genes. "
            f"{'; '.join(rates)}."
        )
        svg = to_svg(figure, name, title, description)
    names = [gene.name for gene in example.genes]
    caption = (
        f"A held-out window, {example.contig}:{example.start:,}–{example.end:,}"
        f"{' with ' + listing(names) if names else ''}. Top: share of bases at which a chunk "
        f"starts, in bins of {_bin_bp(example)} bp. Middle: genes (exons thick) and soft-masked "
        "repeats. Bottom: boundary probability of every base in the marked stretch."
    )
    data = boundaries_csv(example, shown)
    return Drawing(name, title, caption, description, svg, wide=True, csv=data)


def _label(summary: Summary, track: Track, shown: Sequence[Track]) -> str:
    """Name a track by its arm, and by its stage when the arm has several."""
    label = summary.arm(track.arm).label
    several = sum(other.arm == track.arm for other in shown) > 1
    return f"{label}, stage {track.stage}" if several else label


def zoom(example: Example, length_bp: int = ZOOM_BP) -> tuple[int, int]:
    """Choose the stretch shown base by base: around the first exon edge inside, else the middle."""
    edges = [edge for gene in example.genes for exon in gene.exons for edge in exon]
    inside = sorted(edge for edge in edges if example.start < edge < example.end)
    middle = inside[0] if inside else (example.start + example.end) // 2
    low = max(example.start, min(middle - length_bp // 2, example.end - length_bp))
    return low, min(example.end, low + length_bp)


def _bin_bp(example: Example) -> int:
    """Bases per bin of the overview: a multiple of 12, so that small grids make no moiré."""
    return max(24, 12 * -(-(example.end - example.start) // (12 * BINS)))


def _overview(
    axes: "Axes",
    example: Example,
    tracks: Sequence[Track],
    labels: Sequence[str],
    colours: Sequence[str],
    zoom: tuple[int, int],
) -> None:
    """Draw the share of boundaries in bins along the whole window."""
    step = _bin_bp(example)
    starts = np.arange(0, example.end - example.start, step)
    for track, label, shade in zip(tracks, labels, colours, strict=True):
        flags = np.asarray(track.boundary, dtype=float)
        counts = np.add.reduceat(flags, starts)
        widths = np.diff(np.append(starts, flags.size))
        axes.stairs(
            counts / widths,
            example.start + np.append(starts, flags.size),
            baseline=None,
            color=shade,
            linewidth=1.4,
            label=label,
        )
    axes.axvspan(*zoom, color=FAINT, alpha=0.3, linewidth=0)
    axes.set_xlim(example.start, example.end)
    axes.set_ylim(0, None)
    axes.set_ylabel("boundary rate")
    axes.tick_params(labelbottom=False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)


def _annotation(axes: "Axes", example: Example) -> None:
    """Draw genes with their exons, and repeats below them."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    for gene in example.genes:
        left, right = max(gene.start, example.start), min(gene.end, example.end)
        axes.plot([left, right], [1, 1], color=INK, linewidth=1.2)
        axes.broken_barh([(s, e - s) for s, e in gene.exons], (0.7, 0.6), facecolor=INK)
        arrow = f"{gene.name} →" if gene.strand == "+" else f"← {gene.name}"
        axes.text(left, 1.5, arrow, fontsize=8, va="bottom", clip_on=True)
    runs = [(start, end - start) for start, end in example.soft_mask]
    if runs:
        axes.broken_barh(runs, (-0.3, 0.6), facecolor=FAINT)
    axes.set_yticks([1, 0], ["genes", "repeats"])
    axes.set_ylim(-0.6, 2.4)
    axes.grid(visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _bases(
    axes: "Axes", example: Example, track: Track, label: str, shade: str, zoom: tuple[int, int]
) -> None:
    """Draw the boundary probability of every base of the stretch, exons shaded."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    low, high = zoom
    inside = slice(low - example.start, high - example.start)
    probability = np.asarray(track.probability[inside])
    boundary = np.asarray(track.boundary[inside], dtype=bool)
    position = np.arange(low, high)
    for gene in example.genes:
        for start, end in gene.exons:
            if start < high and end > low:
                axes.axvspan(max(start, low) - 0.5, min(end, high) - 0.5, color=GRID, linewidth=0)
    axes.bar(position, probability, width=0.75, color=shade, alpha=0.5, linewidth=0)
    axes.bar(position[boundary], probability[boundary], width=0.75, color=shade, linewidth=0)
    axes.plot(
        position[boundary], np.full(int(boundary.sum()), 1.1), linestyle="", marker="v",
        markersize=3, color=shade,
    )  # fmt: skip
    axes.set_xlim(low - 0.5, high - 0.5)
    axes.set_ylim(0, 1.8)
    axes.set_yticks([0, 0.5, 1], ["0", "½", "1"])
    axes.grid(visible=False, axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.text(
        0.005, 0.98, label, transform=axes.transAxes, ha="left", va="top", fontsize=8.5,
    )  # fmt: skip
