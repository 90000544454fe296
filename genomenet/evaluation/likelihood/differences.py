"""Paired differences of held-out likelihood between arms, overall and by class of base."""

from collections.abc import Sequence
from dataclasses import dataclass

from genomenet.evaluation.base_kinds import classes_of
from genomenet.evaluation.blocks import LEAST
from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.findings import Cell, Column, Table
from genomenet.evaluation.likelihood.scoring import BITS, OVERALL, Scoring, bits, bounds
from genomenet.evaluation.scored_arms import Arm, by_groups, differences

FEW = 4
"""Arms of which every pair is compared; of more, only the best one with each."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two arms to compare.

    Attributes
    ----------
    a, b : Arm
        Differences are `a` minus `b`: negative means that `a` predicts better.
    why : {"baseline", "best", "pair", "control"}
        `b` is the isotropic arm with the main mixer of `a`; `a` is the best arm; just two of few
        arms; `b` is a control.
    """

    a: Arm
    b: Arm
    why: str


@dataclass(frozen=True)
class ClassDifference:
    """How two arms differ on a class of base."""

    pair: Pair
    name: str
    bases: int
    found: Estimate

    @property
    def counted(self) -> bool:
        """Whether there is an interval to judge by."""
        return self.found.basis == "seeds" or self.found.n >= LEAST


def pairs_of(scoring: Scoring) -> list[Pair]:
    """Which arms to compare; every two at most once."""
    ranked = [arm for arm, _ in scoring.ranked()]
    found = []
    for a in ranked:
        b = baseline_of(a, ranked)
        if b is not None:
            found.append(Pair(a, b, "baseline"))
    few = len(ranked) <= FEW
    for place, a in enumerate(ranked):
        for b in ranked[place + 1 :] if few or place == 0 else ():
            if not any({pair.a.name, pair.b.name} == {a.name, b.name} for pair in found):
                found.append(Pair(a, b, "pair" if place else "best"))
    return found + [Pair(a, control, "control") for control in scoring.controls for a in ranked]


def baseline_of(arm: Arm, others: Sequence[Arm]) -> Arm | None:
    """The one isotropic arm with the main mixer of a hierarchical one; None if there is no one."""
    config = arm.first.subject.config
    if config is None or not config.model.networks().stages:
        return None
    mixer = config.model.networks().main_mixer
    found = [
        other
        for other in others
        if (told := other.first.subject.config) is not None
        and not told.model.networks().stages
        and told.model.tokeniser == "none"
        and told.model.networks().main_mixer == mixer
    ]
    return found[0] if len(found) == 1 else None


def overall_differences(pairs: Sequence[Pair]) -> list[Estimate]:
    """The difference of every pair over all bases, in nats per base."""
    return [differences(pair.a, pair.b, OVERALL)[0] for pair in pairs]


def class_differences(scoring: Scoring, pairs: Sequence[Pair]) -> list[ClassDifference]:
    """Differences by class, of arms with their baselines or else with the best, and controls."""
    regions = scoring.held_out.regions
    if regions is None:
        return []
    first = scoring.arms[0].first.forward.bases_GK.sum(1)
    kinds = [kind for kind in classes_of(regions.classes) if first[kind.groups].any()]
    baselines = [pair for pair in pairs if pair.why == "baseline"]
    chosen = baselines or [pair for pair in pairs if pair.why != "control"]
    best = scoring.ranked()[:1]
    chosen = chosen + [p for p in pairs if p.why == "control" and p.a.name == best[0][0].name]
    breakdown = by_groups([kind.groups for kind in kinds])
    return [
        ClassDifference(pair, kind.name, int(first[kind.groups].sum()), one)
        for pair in chosen
        for kind, one in zip(kinds, differences(pair.a, pair.b, breakdown), strict=True)
    ]


def differences_table(scoring: Scoring, pairs: Sequence[Pair], found: Sequence[Estimate]) -> Table:
    """One row a pair."""
    rows = [
        (pair.a.name, pair.b.name, *_cells(one), *_verdict(one, known=bounds(one) is not None))
        for pair, one in zip(pairs, found, strict=True)
    ]
    columns = (Column("a"), Column("b"), *_columns(scoring))
    return Table(
        "differences",
        "Paired differences, a minus b",
        "Negative: a predicts better. " + _MEANT,
        columns,
        tuple(rows),
    )


def class_differences_table(scoring: Scoring, found: Sequence[ClassDifference]) -> Table:
    """One row a pair and class."""
    rows: list[tuple[Cell, ...]] = [
        (
            one.pair.a.name,
            one.pair.b.name,
            one.name,
            one.bases,
            *_cells(one.found),
            *_verdict(one.found, one.counted),
        )
        for one in found
    ]
    columns = (
        Column("a"), Column("b"), Column("class"), Column(f"{scoring.unit}s", "count"),
        *_columns(scoring),
    )  # fmt: skip
    return Table(
        "differences-by-class",
        "Paired differences by class, a minus b",
        "Negative: a predicts better. " + _MEANT,
        columns,
        tuple(rows),
    )


_MEANT = (
    "The basis is what was repeated: seeds, or else blocks of windows, which leave out what "
    f"another seed would change. Fewer than {LEAST} blocks give no interval."
)


def _cells(one: Estimate) -> tuple[Cell, ...]:
    return bits(one.centre), bounds(one)


def _verdict(one: Estimate, known: bool) -> tuple[Cell, ...]:
    return f"{one.n} {one.basis}", ("yes" if one.excludes_zero else "no") if known else None


def _columns(scoring: Scoring) -> tuple[Column, ...]:
    return (
        Column(f"bits/{scoring.unit}", "signed", 4), Column("95 % interval", "signed", 4),
        Column("basis"), Column("excludes zero"),
    )  # fmt: skip


def difference_words(one: Estimate, unit: str) -> str:
    """A difference's size with its interval, as in "0.0100 bits per base (0.0050 to 0.0150)"."""
    low, high = sorted((abs(one.low), abs(one.high)))
    size = f"{abs(one.centre) * BITS:.4f} bits per {unit}"
    if bounds(one) is None:
        return size + " (too few blocks for an interval)"
    if one.excludes_zero:
        return f"{size} (95 %, {one.n} {one.basis}: {low * BITS:.4f} to {high * BITS:.4f})"
    return (
        f"{size} (95 %, {one.n} {one.basis}: {one.low * BITS:+.4f} to {one.high * BITS:+.4f})"
    ).replace("-", "\u2212")
