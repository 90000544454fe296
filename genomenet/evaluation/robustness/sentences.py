"""What robustness findings say in words: what is significant, and how it was measured."""

import math

from genomenet.evaluation.findings import Column
from genomenet.evaluation.formatting import cell_text
from genomenet.evaluation.robustness.shares import NoiseShares, Over

BIT = math.log(2)
SHARE = Column("", "share", 1)
POINTS = Column("", "signed", 1)


def robustness_sentences(shares: NoiseShares, unit: str) -> list[str]:
    """Models against their baselines, the most robust one, and the controls.

    Parameters
    ----------
    shares : NoiseShares
        The statistics.
    unit : str
        What is scored: base or byte.
    """
    return [
        *_against_baselines(shares, unit),
        *_most_robust(shares, unit),
        *_without_network(shares, unit),
        *_untrained(shares, unit),
        *_without_gain(shares),
    ]


def _against_baselines(shares: NoiseShares, unit: str) -> list[str]:
    said = []
    over: Over
    for s, base in shares.pairs.items():
        for over, what in (("kept", f"unedited {unit}s"), ("all", "noisy windows")):
            found = shares.score_difference(s, base, over)
            verdict = "is not told apart from"
            if found.excludes_zero:
                verdict = "keeps more than" if found.centre > 0 else "keeps less than"
            points = [cell_text(100 * x, POINTS) for x in (found.centre, found.low, found.high)]
            kinds = _by_kind(shares, s, base, over)
            said.append(
                f"On {what} {shares.sums.scorers[s].name} {verdict} its isotropic baseline "
                f"{shares.sums.scorers[base].name}: {points[0]} points of the gain over uniform "
                f"(95 %, {found.n} windows: {points[1]} to {points[2]}); {kinds}."
            )
    return said


def _by_kind(shares: NoiseShares, scorer: int, base: int, over: Over) -> str:
    """Where the difference comes from: one kind of noise may outweigh all others."""
    more: list[str] = []
    less: list[str] = []
    for kind in shares.kinds(over):
        found = shares.kind_difference(scorer, base, kind, over)
        if found.excludes_zero:
            (more if found.centre > 0 else less).append(kind)
    parts = [f"{word} under {', '.join(k)}" for word, k in (("more", more), ("less", less)) if k]
    return (
        f"by kind it keeps {' and '.join(parts)}" if parts else "no kind of noise tells them apart"
    )


def _most_robust(shares: NoiseShares, unit: str) -> list[str]:
    scorers = shares.sums.scorers
    scores = {
        s: shares.score(s, "kept").centre
        for s in shares.learned
        if scorers[s].is_model and scorers[s].label == scorers[s].name
    }
    if len(scores) < 2:
        return []
    best, second = sorted(scores, key=lambda s: scores[s], reverse=True)[:2]
    apart = shares.score_difference(best, second, "kept").excludes_zero
    return [
        f"{scorers[best].name} keeps most: {cell_text(scores[best], SHARE)} of its gain on "
        f"unedited {unit}s; the interval of its difference from the next, {scorers[second].name}, "
        f"{'excludes' if apart else 'includes'} zero. A share is of a model's own gain: one that "
        "takes less from its context has less to lose, so read it beside the bits."
    ]


def _without_network(shares: NoiseShares, unit: str) -> list[str]:
    return [
        f"The control {scorer.name}, which has no network, keeps "
        f"{cell_text(shares.score(s, 'kept').centre, SHARE)} on unedited {unit}s."
        for s, scorer in enumerate(shares.sums.scorers)
        if scorer.subject is None and s in shares.learned
    ]


def _untrained(shares: NoiseShares, unit: str) -> list[str]:
    largest = {True: 0.0, False: 0.0}
    conditions = [c for c, row in enumerate(shares.sums.kept_bases) if row.any()]
    twins = [s for s, one in enumerate(shares.sums.scorers) if one.subject and one.control]
    models = [s for s, one in enumerate(shares.sums.scorers) if one.is_model]
    if not twins:
        return []
    for untrained, numbers in ((True, twins), (False, models)):
        changes = [abs(shares.change(s, c).centre) / BIT for s in numbers for c in conditions]
        largest[untrained] = max(changes, default=0.0)
    return [
        f"Noise changes what an unedited {unit} costs by at most {largest[True]:.4f} bits in "
        f"untrained twins, and by at most {largest[False]:.4f} in trained models."
    ]


def _without_gain(shares: NoiseShares) -> list[str]:
    names = [
        one.name
        for s, one in enumerate(shares.sums.scorers)
        if s not in shares.learned and (one.is_model or one.subject is None)
    ]
    if not names:
        return []
    return [
        f"No share is given of {', '.join(names)}: in clean windows there is no gain over uniform "
        "that its interval tells from zero."
    ]


def robustness_notes(shares: NoiseShares, unit: str) -> list[str]:
    """How it was measured, and what models of elsewhere need to be said of.

    Parameters
    ----------
    shares, unit
        As in `robustness_sentences`.
    """
    sums = shares.sums
    notes = [
        "Kept share = (log2 V - bits among noise) / (log2 V - bits in the clean window), with V = "
        f"{round(math.exp(sums.uniform))}. All models see the same edits of the same "
        f"{shares.windows} windows; intervals are over windows and leave out what another "
        "training seed would change.",
        "Noisy windows mix two things: noise itself can't be predicted, and it spoils the context. "
        f"Unedited {unit}s show the second alone.",
        "Edited windows are cut to the length of the clean one, and deletions leave them shorter: "
        f"no {unit} from outside a window is scored.",
        "Kinds of noise are many, and their intervals are not corrected for that.",
    ]
    if any(one.perturbation.name == "N" for one in sums.conditions):
        notes.append(
            "A model that met no N in training has seen its symbol only in front of windows: N "
            "then tells how it takes what it has never read there."
        )
    for scorer in sums.scorers:
        if scorer.is_model and scorer.subject and scorer.subject.note:
            notes.append(f"{scorer.name}: {scorer.subject.note}")
        if scorer.label != scorer.name:
            notes.append(
                f"{scorer.name} is not ranked, for its nats are no likelihood of the bases; its "
                "shares are of its own gain."
            )
    return notes
