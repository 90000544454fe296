"""What findings of where compute goes say in words: what is significant, how it was measured."""

import math

from genomenet.evaluation.blocks import DRAWS, LEAST, Blocks
from genomenet.evaluation.compute.choices import SHUFFLES
from genomenet.evaluation.compute.curve import LEVEL_WINDOWS, CurvePoint
from genomenet.evaluation.compute.estimates import (
    AHEAD,
    ORACLE,
    ComputeResult,
    dealt_estimates,
    point_estimates,
)
from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.findings import Column
from genomenet.evaluation.formatting import cell_text

BIT = math.log(2)


def compute_sentences(results: list[ComputeResult], blocks: Blocks, unit: str) -> list[str]:
    """Curves, then choices, then surprise; last what can't be moved."""
    said = [_curve(result, blocks, unit) for result in results if result.curve.moves]
    said += [_choices(result, blocks, unit) for result in results if result.choices]
    said += [_surprise(result, unit) for result in results if result.surprise]
    fixed = [result.label for result in results if not result.curve.moves]
    if fixed:
        said.append(
            f"Without a threshold to move, so single points: {', '.join(fixed)}."
        )  # fmt: skip
    undealt = [one.label for one in results if one.curve.moves and one.choices is None]
    if undealt:
        said.append(
            "No thresholds on both sides of the trained one, or no count of FLOPs, so no choice by "
            f"window: {', '.join(undealt)}."
        )
    return said


def _curve(result: ComputeResult, blocks: Blocks, unit: str) -> str:
    curve = result.curve
    trained = curve.as_trained
    estimates = point_estimates(curve, blocks)
    parts = []
    for word, denser in (("denser", True), ("sparser", False)):
        side = [
            (point, change)
            for point, (_, change) in zip(curve.points, estimates, strict=True)
            if point is not trained
            and point.bases_per_chunk != trained.bases_per_chunk
            and (point.bases_per_chunk < trained.bases_per_chunk) == denser
        ]
        if not side:
            parts.append(f"there is no {word} one")
            continue
        better = sum(change.high < 0 for _, change in side)
        worse = sum(change.low > 0 for _, change in side)
        far, change = max(side, key=lambda pair: abs(math.log(_ratio(pair[0], trained))))
        times = far.flops_per_base / trained.flops_per_base
        parts.append(
            f"of {len(side)} {word} {better} predict better and {worse} worse, the furthest "
            f"({far.bases_per_chunk:.2f} {unit}s per chunk, {times:.2f} times the FLOPs) by "
            f"{_told(change)}"
        )
    return (
        f"{result.label}, moved from its trained threshold ({trained.bases_per_chunk:.2f} {unit}s "
        f"per chunk): {'; '.join(parts)} bits per {unit}."
    )


def _ratio(one: CurvePoint, other: CurvePoint) -> float:
    return one.bases_per_chunk / other.bases_per_chunk


def _choices(result: ComputeResult, blocks: Blocks, unit: str) -> str:
    assert result.choices is not None
    dealt = {one.name: one for one in dealt_estimates(result.choices, blocks)}
    ahead, oracle = dealt[AHEAD], dealt[ORACLE]
    assert ahead.gap is not None
    assert ahead.over_shuffled is not None
    assert oracle.gap is not None
    return (
        f"{result.label}, denser boundaries where the window before was surprising: "
        f"{_verdict(ahead.gap)} one threshold at the same budget, {_told(ahead.gap)} bits per "
        f"{unit}, and {_verdict(ahead.over_shuffled)} the same choices shuffled, "
        f"{_told(ahead.over_shuffled)}. An oracle that has seen the nats gains "
        f"{_number(-oracle.gap.centre / BIT)}."
    )


def _verdict(gap: Estimate) -> str:
    if not gap.excludes_zero:
        return "not told apart from"
    return "better than" if gap.centre < 0 else "worse than"


def _surprise(result: ComputeResult, unit: str) -> str:
    one = result.of("all", "deciding")
    assert one is not None
    if math.isnan(one.real.centre):
        return f"{result.label}: all chunks are as long, so length can't go with surprise."
    verdict = "chunk length does not go with surprise at"
    if one.gap.excludes_zero:
        verdict = f"chunks are {'shorter' if one.gap.centre < 0 else 'longer'} after surprise at"
    within = result.of("all", "within")
    assert within is not None
    return (
        f"{result.label}: {verdict} the {unit} that decides on them{_by_class(result)}: Spearman "
        f"{_plain(one.real)}, with shuffled lengths {_plain(one.control)}; with surprise of the "
        f"chunk's own {unit}s {_plain(within.real)}, shuffled {_plain(within.control)}."
    )


def _by_class(result: ComputeResult) -> str:
    """In which classes length and surprise at the deciding base go together."""
    of_class = [
        one
        for one in result.surprise
        if one.what == "deciding" and one.kind != "all" and math.isfinite(one.gap.low)
    ]
    apart = [one for one in of_class if one.gap.excludes_zero]
    if not of_class:
        return ""
    parts = [
        f"{word} in {', '.join(names)}"
        for word, sign in (("shorter", -1), ("longer", 1))
        if (names := [one.kind for one in apart if one.gap.centre * sign > 0])
    ]
    return f" (by class: {' and '.join(parts) or 'in none'})"


def _told(gap: Estimate) -> str:
    low, high = (_signed(bound / BIT) for bound in (gap.low, gap.high))
    return f"{_signed(gap.centre / BIT)} (95 %: {low} to {high})"


def _plain(estimate: Estimate) -> str:
    low, high = (_signed(bound, 3) for bound in (estimate.low, estimate.high))
    return f"{_signed(estimate.centre, 3)} ({low} to {high})"


def _signed(value: float, decimals: int = 5) -> str:
    return cell_text(value, Column("", "signed", decimals))


def _number(value: float) -> str:
    return cell_text(value, Column("", "number", 5))


def compute_notes(results: list[ComputeResult], blocks: Blocks, unit: str) -> list[str]:
    """How it was measured, and what is not to be read into it."""
    staged = any(one.curve.moves for one in results)
    notes = [
        f"Intervals: block bootstrap over {len(blocks)} stretches of up to {blocks.block_bp:,} "
        f"{unit}s ({DRAWS:,} draws); none where fewer than {LEAST} have part. They leave out what "
        "another training seed would change, and are not corrected for how many there are.",
        "Only the forward strand is read. FLOPs are counted for every window at its own length and "
        "chunk rates; attention over chunks grows with their square, so the mean lies a little "
        "above the count at mean rates.",
    ]
    if staged:
        notes += [
            "The threshold moves after training, of the outermost stage alone; guards stay in "
            "force. No weights were trained at another: a model trained for that rate may do "
            "better, so a curve is no comparison of chunk sizes.",
            f"Thresholds are quantiles of what is compared, on at most {LEVEL_WINDOWS} of these "
            "windows, without their nats. Values with few levels (Markov tables) move in steps, "
            "and ties are broken at the trained threshold only.",
            "The choice by the window before is set in advance: all windows get the threshold "
            "nearest to 3/2 of the trained chunk length, the most surprising the one nearest to "
            "2/3, in order, until the budget is spent (what is left may pay for the trained one "
            "here and there); a window without one before counts as the median. It "
            "knows what windows cost in FLOPs, but not their nats. Shuffled: "
            f"{SHUFFLES} random orders of the same choices.",
        ]
    if any(one.surprise for one in results):
        notes.append(
            f"A chunk is what is predicted between two steps inwards. Its deciding {unit} is "
            f"known when the boundary falls, so it can be a cause. With the chunk's own {unit}s, "
            "cause runs both ways: they end it, and its step predicts them; and means over few "
            "spread more, which the control shares. The control keeps "
            "what a window as a whole has of both; what is beyond it lies within windows. Neither "
            "is proof that surprise drives "
            "boundaries: composition and repeats drive both. Longest and forced chunks are "
            "counted as they are; those with N or cut off by the window are not."
        )
    return notes
