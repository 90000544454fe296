"""What findings of boundaries say in words: what differs, and whether controls do so too."""

from collections.abc import Sequence

from genomenet.evaluation.boundaries.analysis import LOOKALIKE, Outcome
from genomenet.evaluation.boundaries.sources import CONTROLS, SHUFFLED, UNTRAINED
from genomenet.evaluation.boundaries.stability import EDITS, REVERSED
from genomenet.evaluation.boundaries.tables import Pick, control_of, find, trained_outcomes
from genomenet.evaluation.boundaries.windows import Measured

MOST = 4
"""Things that a sentence names; the table has them all."""

Topic = tuple[str, str, Pick, tuple[str, ...]]

TOPICS: tuple[Topic, ...] = (
    ("classes and places in codons", "boundary rate", lambda one: one.rates, CONTROLS),
    ("kinds of edges", "boundary rate at them", lambda one: one.edges, (*CONTROLS, LOOKALIKE)),
    ("motifs", "the number of chunks", lambda one: one.splits, (*CONTROLS, LOOKALIKE)),
)


def boundary_sentences(outcomes: Sequence[Outcome]) -> list[str]:
    """One sentence for each model and topic, and one on how many comparisons there were."""
    said = []
    for one in trained_outcomes(outcomes):
        said += [_differences(one, outcomes, topic) for topic in TOPICS if topic[2](one)]
        said.append(_stability(one, outcomes))
        if _untrainable(one, outcomes):
            said.append(
                f"{one.label}: the untrained twin draws the same boundaries, so training of the "
                "model doesn't move them, and the twin is no control here."
            )
    return [*said, _comparisons(outcomes)]


def _differences(one: Outcome, outcomes: Sequence[Outcome], topic: Topic) -> str:
    what, of_what, pick, controls = topic
    if _untrainable(one, outcomes):
        controls = tuple(control for control in controls if control != UNTRAINED)
    tested = [m for m in pick(one) if m.ratio.low > -float("inf")]
    if not tested:
        return f"{one.label}: too few blocks of bases to tell anything of {what}."
    differing = sorted((m for m in tested if m.differs), key=lambda m: -abs(m.ratio.centre - 1))
    if not differing:
        return f"{one.label}: none of {len(tested)} {what} is told apart in {of_what}."
    own: list[tuple[Measured, list[str]]] = []
    shared: list[tuple[Measured, list[str]]] = []
    for measured in differing:
        same = [
            control
            for control in controls
            if (other := find(pick(control_of(one, control, outcomes)), measured.name))
            and _alike(measured, other)
        ]
        (shared if same else own).append((measured, same))
    parts = []
    if own:
        told = ", ".join(_told(m, one, outcomes, pick, controls) for m, _ in own[:MOST])
        more = f" and {len(own) - MOST} more" if len(own) > MOST else ""
        parts.append(f"in {len(own)} no control does the same: {told}{more}")
    if shared:
        told = ", ".join(
            f"{m.name} ({m.ratio.centre:.2f}; {' and '.join(same)} too)"
            for m, same in shared[:MOST]
        )
        more = f" and {len(shared) - MOST} more" if len(shared) > MOST else ""
        parts.append(f"in {len(shared)} a control differs the same way: {told}{more}")
    return (
        f"{one.label}: {of_what} differs for {len(differing)} of {len(tested)} {what} (95 % "
        f"interval excludes 1); {'; '.join(parts)}."
    )


def _untrainable(one: Outcome, outcomes: Sequence[Outcome]) -> bool:
    """Whether boundaries come from a rule or a patcher that the twin shares."""
    twin = control_of(one, UNTRAINED, outcomes)
    return [m.value for m in one.rates] == [m.value for m in twin.rates]


def _alike(mine: Measured, other: Measured) -> bool:
    return other.differs and (other.ratio.centre > 1) == (mine.ratio.centre > 1)


def _told(
    mine: Measured,
    one: Outcome,
    outcomes: Sequence[Outcome],
    pick: Pick,
    controls: Sequence[str],
) -> str:
    beside = []
    for control in controls:
        other = find(pick(control_of(one, control, outcomes)), mine.name)
        if other is not None:
            beside.append(f"{control} {other.ratio.centre:.2f}")
    return (
        f"{mine.name} {mine.ratio.centre:.2f} times ({mine.ratio.low:.2f} to "
        f"{mine.ratio.high:.2f}; {', '.join(beside)})"
    )


def _a(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _stability(one: Outcome, outcomes: Sequence[Outcome]) -> str:
    far = [found for found in one.stability if found.change in EDITS][2::3]
    told = []
    for found in far:
        mine = found.jaccard[0]
        told.append(
            f"{mine.centre:.2f} ({mine.low:.2f} to {mine.high:.2f}) after {_a(found.change)}"
            if mine.low > -float("inf")
            else f"{mine.centre:.2f} after {_a(found.change)}"
        )
    shuffled = control_of(one, SHUFFLED, outcomes)
    reverse = [found for found in one.stability if found.change == REVERSED]
    best = max(reverse, key=lambda found: found.jaccard[0].centre)
    beside = shuffled.stability[one.stability.index(best)]
    chance = far[0].chance
    return (
        f"{one.label}: more than 256 bases behind an edit the Jaccard index of boundaries is "
        f"{', '.join(told)}, where chance is {chance:.2f}; between the two strands it is "
        f"{best.jaccard[0].centre:.2f} at the {best.where}, the better of two, and "
        f"{beside.jaccard[0].centre:.2f} in shuffled sequence."
    )


def _comparisons(outcomes: Sequence[Outcome]) -> str:
    counts: dict[str, list[int]] = {}
    for outcome in outcomes:
        for _, _, pick, _ in TOPICS:
            for measured in pick(outcome):
                if measured.ratio.low > -float("inf"):
                    of = counts.setdefault(outcome.control or "trained models", [0, 0])
                    of[0] += measured.differs
                    of[1] += 1
    told = ", ".join(
        f"{differing} of {all_} for {who}" for who, (differing, all_) in counts.items()
    )
    return (
        "Intervals are not corrected for the number of comparisons, of which one in twenty "
        f"excludes 1 by chance alone; so many do: {told}."
    )
