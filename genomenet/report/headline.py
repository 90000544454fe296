"""What is true of a study, in sentences: who wins, who loses, and what cannot be told apart."""

import math

from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.formatting import DASH, compact
from genomenet.report.numbers import basis, bits, listing, perplexity
from genomenet.report.summary import ArmSummary, Summary
from genomenet.study.confidence import difference_interval
from genomenet.study.efficiency import MatchedRatio, PairComparison


def headline(summary: Summary) -> list[str]:
    """Say what the study shows, most important first.

    Parameters
    ----------
    summary : Summary
        Of at least one arm.

    Returns
    -------
    list of str
        Whole sentences: the best arm; each hierarchical arm against its baseline (of several, the
        one with the lowest held-out loss) and against the fixed grid; the trivial rows; then what
        weakens the comparison (divergence, tokens, one seed, leak).
    """
    sentences = [_best(summary)]
    sentences += [_pair(summary, pair) for pair in _best_baselines(summary)]
    sentences += _routers(summary)
    sentences += _floors(summary)
    sentences += _caveats(summary)
    return sentences


def difference_words(estimate: Estimate) -> str:
    """Write a difference as ``0.0159 bits per base (95 %, 3 seeds: 0.0120–0.0198)``, sign dropped.

    Parameters
    ----------
    estimate : Estimate
        In nats per base.
    """
    low, high = sorted((estimate.low, estimate.high), key=abs)
    if not estimate.excludes_zero:
        low, high = estimate.low, estimate.high
    elif estimate.centre < 0:
        low, high = -low, -high
    size = bits(abs(estimate.centre), 4)
    if not math.isfinite(low) or not math.isfinite(high):
        return f"{size} bits per base (too few windows for an interval)"
    joint = DASH if estimate.excludes_zero else " to "
    bounds = f"{bits(low, 4)}{joint}{bits(high, 4)}".replace("-", "−")
    return f"{size} bits per base ({basis(estimate)}: {bounds})"


def _best(summary: Summary) -> str:
    """Name the arm with the lowest loss, and those it cannot be told apart from."""
    ranked = summary.ranked
    if not ranked:
        return "No arm ended with a finite loss, so nothing can be compared."
    best = ranked[0]
    score = f"perplexity {perplexity(best.final.centre)} ({bits(best.final.centre)} bits per base)"
    if len(ranked) == 1:
        return f"{best.label} reaches {score}; there is no other arm to compare it with."
    tied = [
        other.label
        for other in ranked[1:]
        if not difference_interval(best.runs, other.runs).excludes_zero
    ]
    if tied:
        return (
            f"{best.label} has the lowest held-out {score}, but cannot be told apart from "
            f"{listing(tied)}: the interval of the difference includes zero."
        )
    gap = difference_interval(best.runs, ranked[1].runs)
    return (
        f"{best.label} predicts held-out bases best, at {score}; the next arm, {ranked[1].label}, "
        f"is worse by {difference_words(gap)}, and the interval excludes zero."
    )


def _verdict(estimate: Estimate) -> str:
    """Say whether the first arm of a difference beats the second."""
    if not estimate.excludes_zero:
        return "cannot be told apart from"
    return "beats" if estimate.centre < 0 else "loses to"


def _against(estimate: Estimate) -> str:
    """Finish a verdict with the size of the difference."""
    joint = "by" if estimate.excludes_zero else "after decay: they differ by"
    return f"{joint} {difference_words(estimate)}"


def _best_baselines(summary: Summary) -> list[PairComparison]:
    """Of each hierarchical arm the pair with its strongest baseline: the others say less."""
    pairs: dict[str, PairComparison] = {}
    for pair in summary.pairs:
        kept = pairs.setdefault(pair.hierarchical, pair)
        losses = (summary.arm(one.isotropic).final.centre for one in (pair, kept))
        if next(losses) < next(losses):
            pairs[pair.hierarchical] = pair
    return list(pairs.values())


def _pair(summary: Summary, pair: PairComparison) -> str:
    """Compare a hierarchical arm with its isotropic baseline."""
    tree, iso = summary.arm(pair.hierarchical), summary.arm(pair.isotropic)
    difference = pair.final_difference
    alone = sum(other.hierarchical == pair.hierarchical for other in summary.pairs) == 1
    return (
        f"{tree.label} {_verdict(difference)} its {'' if alone else 'best '}isotropic baseline "
        f"{iso.label} "
        f"{_against(difference)}; {_data(pair.data)}"
    )


def _data(data: MatchedRatio) -> str:
    """Say how much data the hierarchical arm saves, or why that is not known."""
    if data.ratio is None:
        return f"how much data it saves cannot be read off: {data.reason}"
    saves = data.ratio >= 1
    times = data.ratio if saves else 1 / data.ratio
    words = f"it needs {times:.2f} times {'less' if saves else 'more'} data"
    target = f"for the same perplexity before decay, {perplexity(data.target_nats)}"
    if data.interval is None:
        return f"{words} (one seed, so no interval) {target}."
    low, high = data.interval.low, data.interval.high
    if not saves:
        low, high = 1 / high, 1 / low
    span = f"({basis(data.interval)}: {low:.2f}{DASH}{high:.2f})"
    if low <= 1 <= high:
        return f"{words} {span} {target}, but that interval includes no difference at all."
    return f"{words} {span} {target}."


def _routers(summary: Summary) -> list[str]:
    """Compare learned boundaries with the fixed grid of the same main mixer."""
    sentences, alone = [], []
    fixed = [one for one in summary.ranked if one.first.chunker == "fixed"]
    for learned in summary.arms:
        if learned.first.chunker != "learned" or not learned.finite:
            continue
        mixer = learned.first.main_mixer
        grids = [one for one in fixed if one.first.main_mixer == mixer]
        if not grids:
            alone.append(learned.label)
        for grid in grids:
            difference = difference_interval(learned.runs, grid.runs)
            sentences.append(
                f"With learned boundaries, {learned.label} {_verdict(difference)} {grid.label} "
                f"{_against(difference)}."
            )
    if alone:
        sentences.append(
            f"No fixed-grid arm shares the main mixer of {listing(alone)}, so what learned "
            "boundaries add there is not measured."
        )
    return sentences


def _floors(summary: Summary) -> list[str]:
    """Say which arms do not beat the best trivial row."""
    floor = summary.floor
    if floor is None or not summary.ranked:
        return []
    name = f"the best trivial row, {floor.name} ({bits(floor.nats)} bits per base)"
    worse = [one.label for one in summary.ranked if one.final.centre >= floor.nats]
    unclear = [
        one.label for one in summary.ranked if one.final.centre < floor.nats <= one.final.high
    ]
    if len(worse) == len(summary.ranked):
        return [f"No arm beats {name}."]
    sentences = []
    if worse:
        verb = "does" if len(worse) == 1 else "do"
        sentences.append(f"{listing(worse)} {verb} not beat {name}.")
    if unclear:
        sentences.append(f"{listing(unclear)} cannot be told apart from {name}.")
    if not sentences:
        sentences.append(f"Every arm beats {name}.")
    elif len(worse) + len(unclear) < len(summary.ranked):
        sentences.append("The other arms beat it.")
    return sentences


def _caveats(summary: Summary) -> list[str]:
    """Say what weakens the comparison."""
    sentences = []
    if broken := [one.label for one in summary.arms if not one.finite]:
        sentences.append(
            f"{listing(broken)} diverged (the loss is not a number) and "
            f"{_is(broken)} left out of every comparison."
        )
    if lonely := [one.label for one in summary.arms if _unpaired(one, summary)]:
        sentences.append(
            f"{listing(lonely)} {'has' if len(lonely) == 1 else 'have'} no isotropic arm of the "
            "same main mixer to be compared with."
        )
    if tokens := [one.label for one in summary.arms if one.first.family == "tokenised"]:
        sentences.append(
            f"{listing(tokens)} {_is(tokens)} scored by the one sequence of tokens that the "
            "tokeniser cuts, so the perplexity is an upper bound; no baseline is sought."
        )
    if any(len(one.runs) < 2 for one in summary.arms):
        sentences.append(
            "Some arms have one seed: their intervals are over held-out windows and leave out how "
            "much another seed would change the result."
        )
    if own := [f"{one.label} ({', '.join(one.first.recipe)})" for one in summary.arms
               if one.first.recipe]:  # fmt: skip
        sentences.append(
            f"{listing(own)} {'differs' if len(own) == 1 else 'differ'} from the other arms in the "
            "recipe too, so what sets them apart need not be the model."
        )
    fewest, most = summary.training_bases
    if fewest != most:
        sentences.append(
            f"Arms were trained on different amounts of data, {compact(fewest)} to {compact(most)} "
            "bases, so their final scores are not at equal data."
        )
    splits = summary.study.splits
    if leak := splits.leaked_bp:
        share = leak / sum(splits.bases.get(name, 0) for name in ("valid", "test"))
        sentences.append(
            f"Training windows reach {compact(leak)} held-out bases ({share:.1%} of them), so "
            "every held-out figure here is too good by an unknown amount."
        )
    return sentences


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _unpaired(one: ArmSummary, summary: Summary) -> bool:
    """Whether a hierarchical arm lacks a baseline."""
    mixers = {arm.first.main_mixer for arm in summary.ranked if arm.first.family == "isotropic"}
    return one.finite and one.first.family == "hierarchical" and one.first.main_mixer not in mixers
