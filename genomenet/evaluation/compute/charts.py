"""Charts of where compute goes."""

import math

from genomenet.evaluation.blocks import Blocks
from genomenet.evaluation.compute.estimates import (
    AHEAD,
    ONE,
    SHUFFLED,
    ComputeResult,
    dealt_estimates,
    point_estimates,
)
from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.findings import Chart, Series

BIT = math.log(2)


def curve_charts(results: list[ComputeResult], blocks: Blocks, unit: str) -> list[Chart]:
    """Likelihood against FLOPs, and the change from the trained threshold."""
    levels, changes = [], []
    for result in results:
        curve = result.curve
        if math.isnan(curve.as_trained.flops_per_base):
            continue
        pairs = zip(curve.points, point_estimates(curve, blocks), strict=True)
        ordered = sorted(pairs, key=lambda pair: pair[0].flops_per_base)
        flops = [point.flops_per_base for point, _ in ordered]
        levels.append(_line(result.label, flops, [bits for _, (bits, _) in ordered]))
        if curve.moves:
            shares = [x / curve.as_trained.flops_per_base for x in flops]
            changes.append(_line(result.label, shares, [change for _, (_, change) in ordered]))
    found = []
    if levels:
        found.append(
            Chart(
                "against-flops",
                "Likelihood against inference compute",
                "Lines: the threshold of the outermost boundaries moves, the weights stay. Single "
                "points: models without a threshold to move.",
                "lines",
                f"forward FLOPs per {unit}",
                f"bits per {unit}",
                tuple(levels),
                log_x=True,
            )
        )
    if changes:
        found.append(
            Chart(
                "change",
                "What moving the threshold changes",
                "Paired with the trained threshold, which is at 1 and 0.",
                "lines",
                "FLOPs over those at the trained threshold",
                f"bits per {unit} minus those at it",
                tuple(changes),
                reference=0.0,
                reference_label="as trained",
            )
        )
    return found


def _line(label: str, x: list[float], estimates: list[Estimate]) -> Series:
    return Series(
        label,
        tuple(x),
        tuple(one.centre / BIT for one in estimates),
        tuple(one.low / BIT for one in estimates),
        tuple(one.high / BIT for one in estimates),
    )


def choice_chart(results: list[ComputeResult], blocks: Blocks, unit: str) -> list[Chart]:
    """What choosing by window gains at the trained threshold's budget."""
    chosen = [(one.label, dealt_estimates(one.choices, blocks)) for one in results if one.choices]
    if not chosen:
        return []
    labels = tuple(label for label, _ in chosen)
    series = []
    for name in (dealt.name for dealt in chosen[0][1] if dealt.name != ONE):
        gaps = [dealt.gap for _, all_dealt in chosen for dealt in all_dealt if dealt.name == name]
        known = [gap for gap in gaps if gap is not None]
        series.append(
            Series(
                f"by {name}" if name == AHEAD else name,
                labels,
                tuple(gap.centre / BIT for gap in known),
                tuple(gap.low / BIT for gap in known),
                tuple(gap.high / BIT for gap in known),
                control=name == SHUFFLED,
            )
        )
    return [
        Chart(
            "by-window",
            "A threshold for every window, at one budget",
            "The oracle has seen the answer; it is a bound. Shuffled are the choices by the window "
            "before, dealt at random.",
            "dots",
            f"bits per {unit} minus those of one threshold for all",
            "",
            tuple(series),
            reference=0.0,
            reference_label="one threshold",
        )
    ]


def surprise_charts(results: list[ComputeResult], unit: str) -> list[Chart]:
    """Rank correlations by class, beside their controls."""
    kinds = list(dict.fromkeys(one.kind for result in results for one in result.surprise))
    found = []
    for what, words in (("deciding", f"deciding {unit}"), ("within", f"{unit}s of the chunk")):
        series = []
        for result in results:
            by_kind = [result.of(kind, what) for kind in kinds]
            for control in (False, True):
                estimates = [
                    (one.control if control else one.real) if one else None for one in by_kind
                ]
                if not any(one and math.isfinite(one.centre) for one in estimates):
                    continue
                series.append(
                    Series(
                        f"{result.label}, shuffled lengths" if control else result.label,
                        tuple(kinds),
                        tuple(one.centre if one else math.nan for one in estimates),
                        tuple(one.low if one else math.nan for one in estimates),
                        tuple(one.high if one else math.nan for one in estimates),
                        control=control,
                        of=result.label,
                    )
                )
        if series:
            found.append(
                Chart(
                    f"surprise-{what}",
                    f"Chunk length and surprise of the {words}",
                    f"By class of the chunk's first {unit}. Left of zero, chunks are short where "
                    "surprise is high.",
                    "dots",
                    "Spearman's correlation",
                    "",
                    tuple(series),
                    reference=0.0,
                    reference_label="none",
                )
            )
    return found
