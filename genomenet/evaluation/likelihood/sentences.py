"""What likelihood findings say in words: what is significant, and what cannot be told."""

import math
from collections.abc import Sequence

import numpy as np

from genomenet.evaluation.base_kinds import ALL, classes_of
from genomenet.evaluation.blocks import LEAST, ratio_intervals
from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.likelihood.differences import ClassDifference, Pair, difference_words
from genomenet.evaluation.likelihood.scoring import BITS, Scoring, bounds, listed
from genomenet.evaluation.scored_arms import Arm, by_groups, by_position, estimates


def sentences(
    scoring: Scoring,
    pairs: Sequence[Pair],
    found: Sequence[Estimate],
    by_class: Sequence[ClassDifference],
) -> list[str]:
    """Everything to say, the most important first."""
    ranked = scoring.ranked()
    if not ranked:
        return ["No model gives a log-likelihood that can be compared."]
    best, value = ranked[0]
    if math.isnan(value.centre):
        return ["No model gives a finite likelihood: all of them have diverged."]
    told = [_best(scoring, best, value, len(ranked)), *_controls(scoring, pairs, found)]
    told += [_compared(scoring.unit, pair, one) for pair, one in zip(pairs, found, strict=True)
             if pair.why != "control"]  # fmt: skip
    told += _classes(scoring, best) + _class_wins(by_class) + _context(scoring, best)
    return told + _strands(scoring)


def _best(scoring: Scoring, best: Arm, value: Estimate, models: int) -> str:
    between = bounds(value)
    interval = f" (95 %: {between[0]:.4f} to {between[1]:.4f})" if between else ""
    lead = (
        f"Of {models} models {best.name} predicts best" if models > 1 else f"{best.name} predicts"
    )
    return (
        f"{lead}: {value.centre * BITS:.4f} bits per {scoring.unit}{interval}, perplexity "
        f"{math.exp(value.centre):.4f}; a uniform guess costs "
        f"{math.log2(scoring.held_out.genome.alphabet.scored_codes):g} bits."
    )


def _controls(scoring: Scoring, pairs: Sequence[Pair], found: Sequence[Estimate]) -> list[str]:
    told = []
    for control in scoring.controls:
        against = [
            (pair.a.name, one)
            for pair, one in zip(pairs, found, strict=True)
            if pair.why == "control" and pair.b.name == control.name
        ]
        groups = {
            "better than": [name for name, one in against if one.high < 0],
            "worse than": [name for name, one in against if one.low > 0],
            "not to be told from": [name for name, one in against if one.low <= 0 <= one.high],
        }
        told.append(
            f"Beside {control.name}, which only counts words of the training split: "
            + "; ".join(
                f"{listed(names)} {'is' if len(names) == 1 else 'are'} {relation} it"
                for relation, names in groups.items()
                if names
            )
            + "."
        )
    return told


def _compared(unit: str, pair: Pair, one: Estimate) -> str:
    role = f"its isotropic counterpart {pair.b.name}" if pair.why == "baseline" else pair.b.name
    if not one.excludes_zero:
        return f"{pair.a.name} and {role} can't be told apart: {difference_words(one, unit)}."
    verb = "beats" if one.centre < 0 else "loses to"
    return f"{pair.a.name} {verb} {role} by {difference_words(one, unit)}."


def _classes(scoring: Scoring, best: Arm) -> list[str]:
    regions = scoring.held_out.regions
    if regions is None:
        return []
    kinds = classes_of(regions.classes)
    blocks = (
        np.array([best.first.forward.bases_GK[kind.groups].sum(0) for kind in kinds]) > 0
    ).sum(1)
    found = estimates(best, by_groups([kind.groups for kind in kinds]))
    known = [
        (one.centre * BITS, kind.name)
        for kind, one, held in zip(kinds, found, blocks, strict=True)
        if held >= LEAST and not math.isnan(one.centre)
    ]
    if len(known) < 2:
        return []
    (low, easy), (high, hard) = min(known), max(known)
    return [
        f"Of {len(known)} classes with {scoring.unit}s in at least {LEAST} blocks, {best.name} "
        f"predicts {easy} best ({low:.4f} bits) and {hard} worst ({high:.4f} bits)."
    ]


def _class_wins(by_class: Sequence[ClassDifference]) -> list[str]:
    judged = [one for one in by_class if one.counted]
    if not judged:
        return []
    sure = [one for one in judged if one.found.excludes_zero]
    told = [
        f"By class, {len(sure)} of {len(judged)} differences exclude zero; were there none at all, "
        f"about {0.05 * len(judged):.1f} would by chance."
    ]
    for pair in dict.fromkeys(one.pair for one in judged):
        mine = [one for one in judged if one.pair is pair]
        parts = []
        for words, chosen in (
            ("better on", [one.name for one in mine if one.found.high < 0]),
            ("worse on", [one.name for one in mine if one.found.low > 0]),
        ):
            if chosen:
                parts.append(f"{words} {listed(chosen)}")
        says = "; ".join(parts) or "no class tells them apart"
        told.append(f"{pair.a.name} beside {pair.b.name}: {says} ({len(mine)} classes compared).")
    return told


def _context(scoring: Scoring, best: Arm) -> list[str]:
    nats, bases = by_position(best.first)
    if nats.shape[1] < 4:
        return []
    early, late = nats[:, :-1], nats[:, -1]
    last = 1 << (nats.shape[1] - 2)
    before = early[:, -1].sum() / max(bases[:, -2].sum(), 1)
    after = late.sum() / max(bases[:, -1].sum(), 1)
    return [
        f"From position {last} of the window on, {best.first.subject.name} pays {after * BITS:.4f} "
        f"bits per {scoring.unit}, and {before * BITS:.4f} in positions {last // 2} to "
        f"{last - 1}: the difference is what longer context adds, and chance."
    ]


def _strands(scoring: Scoring) -> list[str]:
    if not scoring.both_strands:
        return []
    found = []
    for arm in scoring.arms:
        nats, bases = by_groups([ALL], strand="forward")(arm.first)
        found.append((arm, ratio_intervals(nats - by_groups([ALL], strand="reverse")(arm.first)[0],
                                           bases)[0]))  # fmt: skip
    sure = [arm.first.subject.name for arm, one in found if one.excludes_zero]
    arm, one = max(found, key=lambda pair: abs(pair[1].centre))
    return [
        f"The strands differ most for {arm.first.subject.name}, by "
        f"{difference_words(one, scoring.unit)}; the interval excludes zero for {len(sure)} of "
        f"{len(found)} models."
    ]
