"""How much data and compute a hierarchical arm saves at equal perplexity, never extrapolated."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from genomenet.evaluation.confidence import Estimate, seed_interval
from genomenet.study.confidence import difference_interval
from genomenet.study.results import ArmRun, Study

Axis = Literal["bases", "flops"]


@dataclass(frozen=True)
class MatchedRatio:
    """What the isotropic arm spends over what the hierarchical arm spends for the same loss.

    Attributes
    ----------
    ratio : float or None
        Above 1 when the hierarchical arm needs less; None when measurements do not bracket it.
    target_nats : float or None
        The validation loss both reach, nats per base (mean over seeds).
    isotropic, hierarchical : float or None
        Training bases, or training FLOPs, at which each reaches it (geometric mean over seeds).
    reason : str
        How the ratio was read off, or why it was not.
    interval : Estimate or None
        Of the ratio over seeds (computed on its logarithm); None with one seed.
    """

    ratio: float | None
    target_nats: float | None
    isotropic: float | None
    hierarchical: float | None
    reason: str
    interval: Estimate | None = None


@dataclass(frozen=True)
class PairComparison:
    """A hierarchical arm against the isotropic arm of the same main mixer.

    Attributes
    ----------
    isotropic, hierarchical : str
        Keys of the arms.
    data, compute : MatchedRatio
        Ratio of training bases and of training FLOPs at equal loss before decay.
    final_difference : Estimate
        Held-out nats per base after decay, hierarchical minus isotropic: negative is better.
    """

    isotropic: str
    hierarchical: str
    data: MatchedRatio
    compute: MatchedRatio
    final_difference: Estimate


def compare_pairs(study: Study) -> list[PairComparison]:
    """Compare every hierarchical arm with every isotropic arm of the same main mixer.

    Parameters
    ----------
    study : Study
        Its runs, any number of seeds.

    Returns
    -------
    list of PairComparison
        In the order of the study's runs; empty when no mixer is shared.
    """
    arms: dict[str, list[ArmRun]] = {}
    for run in study.runs:
        arms.setdefault(run.arm, []).append(run)
    return [
        PairComparison(
            isotropic=iso[0].arm,
            hierarchical=tree[0].arm,
            data=matched_ratio(iso, tree, "bases"),
            compute=matched_ratio(iso, tree, "flops"),
            final_difference=difference_interval(tree, iso),
        )
        for tree in arms.values()
        for iso in arms.values()
        if tree[0].family == "hierarchical"
        and iso[0].family == "isotropic"
        and tree[0].main_mixer == iso[0].main_mixer
    ]


def matched_ratio(
    isotropic: Sequence[ArmRun], hierarchical: Sequence[ArmRun], axis: Axis
) -> MatchedRatio:
    """Ratio of spending at equal validation loss before decay, over all seeds both arms have.

    Parameters
    ----------
    isotropic, hierarchical : sequence of ArmRun
        All seeds of the two arms; seeds are paired, or the first of each when none is shared.
    axis : {"bases", "flops"}
        What is spent.

    Returns
    -------
    MatchedRatio
        The geometric mean over seeds.  One seed that cannot be bracketed refuses the whole, since
        leaving it out would keep only the seeds that went well.
    """
    iso = {run.seed: run for run in isotropic}
    tree = {run.seed: run for run in hierarchical}
    seeds = sorted(set(iso) & set(tree))
    if not seeds:
        return curve_ratio(isotropic[0], hierarchical[0], axis)
    ratios = [curve_ratio(iso[seed], tree[seed], axis) for seed in seeds]
    if len(seeds) == 1:
        return ratios[0]
    values: list[tuple[float, float, float]] = []
    for seed, one in zip(seeds, ratios, strict=True):
        if one.target_nats is None or one.isotropic is None or one.hierarchical is None:
            return replace(one, reason=f"with seed {seed}, {one.reason}")
        values.append((one.target_nats, math.log(one.isotropic), math.log(one.hierarchical)))
    logs = seed_interval([left - right for _, left, right in values])
    n = len(values)
    # Seeds may have been read in both directions when the arms are close.
    how = " or ".join(sorted({one.reason.rstrip(".") for one in ratios})) + "."
    return MatchedRatio(
        ratio=math.exp(logs.centre),
        target_nats=sum(value[0] for value in values) / n,
        isotropic=math.exp(sum(value[1] for value in values) / n),
        hierarchical=math.exp(sum(value[2] for value in values) / n),
        reason=f"geometric mean over {n} seeds; {how}",
        interval=replace(
            logs, centre=math.exp(logs.centre), low=math.exp(logs.low), high=math.exp(logs.high)
        ),
    )


def curve_ratio(isotropic: ArmRun, hierarchical: ArmRun, axis: Axis) -> MatchedRatio:
    """Ratio of spending at equal validation loss before decay, from one run of each arm.

    The target is the isotropic arm's last stable-phase loss; when the hierarchical arm never
    reaches it, the hierarchical arm's last loss is sought on the isotropic curve instead.

    Parameters
    ----------
    isotropic, hierarchical : ArmRun
        One run of each.
    axis : {"bases", "flops"}
        What is spent.

    Returns
    -------
    MatchedRatio
        With ``ratio=None`` and a reason when the crossing is not between two measurements.

    Notes
    -----
    The definition of H-Net's Figure 6 (arXiv 2507.07955): pre-decay curves, equal perplexity.
    Both curves are made monotone first (`stable_knots`), so a lucky dip is no crossing.
    """
    iso, tree = stable_knots(isotropic, axis), stable_knots(hierarchical, axis)
    for name, knots in (("baseline", iso), ("hierarchical arm", tree)):
        if not knots:
            return _refused(f"the {name} has no finite validation in the stable phase.")
    target = iso[-1][1]
    if tree[-1][1] <= target:
        found = _first_reach(tree, target)
        if found is None:
            return _refused(
                "the hierarchical arm is already below the baseline's last loss before decay at "
                "its first stable validation; validate earlier to see where it crosses."
            )
        reason = "read where the hierarchical arm reaches the baseline's last loss."
        return _ratio(target, iso[-1][0], found, reason)
    target = tree[-1][1]
    found = _first_reach(iso, target)
    if found is None:
        return _refused(
            "the hierarchical arm never reaches the baseline's last loss before decay, and the "
            "baseline is already below the hierarchical arm's last at its first stable validation; "
            "no measurement brackets a crossing."
        )
    reason = (
        "the hierarchical arm never reaches the baseline's last loss; "
        "read where the baseline reaches the hierarchical arm's last."
    )
    return _ratio(target, found, tree[-1][0], reason)


def stable_knots(run: ArmRun, axis: Axis) -> list[tuple[float, float]]:
    """Reduce a run's stable-phase validations to a strictly falling curve.

    A running median of three drops single lucky or unlucky validations and leaves a falling curve
    as it is (the ends are kept).  Where the loss still rises, least-squares isotonic regression
    (pool adjacent violators; Barlow et al., 1972) averages neighbours, loss and log position alike,
    until it falls.  A running minimum would keep every lucky dip as if it were reached for good.

    Parameters
    ----------
    run : ArmRun
        Warm-up and decay points, and losses that are not finite, are left out.
    axis : {"bases", "flops"}
        The position.

    Returns
    -------
    list of (float, float)
        Natural logarithm of the position, rising, and nats per base, strictly falling.
    """
    points = [
        (math.log(point.bases if axis == "bases" else point.flops), point.nats)
        for point in run.curve
        if point.phase == "stable" and point.bases > 0 and math.isfinite(point.nats)
    ]
    losses = [nats for _, nats in points]
    medians = [sorted(losses[i - 1 : i + 2])[1] for i in range(1, len(losses) - 1)]
    smooth = losses[:1] + medians + losses[1:][-1:]
    blocks: list[tuple[int, float, float]] = []  # points pooled, sum of log positions, sum of nats
    for (position, _), nats in zip(points, smooth, strict=True):
        blocks.append((1, position, nats))
        while len(blocks) > 1 and blocks[-2][2] / blocks[-2][0] <= blocks[-1][2] / blocks[-1][0]:
            last, before = blocks.pop(), blocks.pop()
            blocks.append((last[0] + before[0], last[1] + before[1], last[2] + before[2]))
    return [(log_sum / n, nats_sum / n) for n, log_sum, nats_sum in blocks]


def _first_reach(knots: list[tuple[float, float]], target: float) -> float | None:
    """Log position at which the falling curve reaches `target`; None outside the measurements."""
    if target > knots[0][1] or target < knots[-1][1]:
        return None
    if target == knots[0][1]:
        return knots[0][0]
    for (x0, y0), (x1, y1) in pairwise(knots):
        if y1 <= target:
            return x0 + (x1 - x0) * (y0 - target) / (y0 - y1)
    return None


def _ratio(target: float, log_isotropic: float, log_tree: float, reason: str) -> MatchedRatio:
    """Build a measured ratio from log positions."""
    return MatchedRatio(
        ratio=math.exp(log_isotropic - log_tree),
        target_nats=target,
        isotropic=math.exp(log_isotropic),
        hierarchical=math.exp(log_tree),
        reason=reason,
    )


def _refused(reason: str) -> MatchedRatio:
    """Build a refusal."""
    return MatchedRatio(None, None, None, None, reason)
