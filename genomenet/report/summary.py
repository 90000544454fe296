"""What a report says about each arm, computed once from a study's runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genomenet.evaluation.confidence import Estimate, likelihood_interval
from genomenet.study.efficiency import PairComparison, compare_pairs
from genomenet.study.floors import best_floor
from genomenet.study.results import ArmRun, Floor, Study

_OF_SCHEDULE = {
    "max_steps",
    "global_batch_size",
    "schedule",
    "warmup_fraction",
    "decay_fraction",
}
"""Fields of the recipe that decide where warm-up and decay lie."""


@dataclass(frozen=True)
class ArmSummary:
    """All seeds of one arm.

    Attributes
    ----------
    arm, label : str
        Key and name.
    index : int
        Position in the study, which fixes its colour and marker.
    runs : tuple of ArmRun
        One per seed.
    before, final : Estimate
        Held-out nats per base; `before` is None unless every seed has it.
    repeats, unique : float or None
        Final nats per base on soft-masked bases and on the others, over all seeds; None without
        such bases.
    bases_per_chunk : tuple of float
        Achieved on the held-out windows, per stage, mean over seeds.
    flops_per_base, bases_per_second : float
        Forward FLOPs at the achieved chunk rate, and training throughput; means over seeds.
    """

    arm: str
    label: str
    index: int
    runs: tuple[ArmRun, ...]
    before: Estimate | None
    final: Estimate
    repeats: float | None
    unique: float | None
    bases_per_chunk: tuple[float, ...]
    flops_per_base: float
    bases_per_second: float

    @property
    def finite(self) -> bool:
        """Whether every seed ended with a finite loss."""
        return math.isfinite(self.final.centre)

    @property
    def first(self) -> ArmRun:
        """The first seed, for what all seeds share."""
        return self.runs[0]


@dataclass(frozen=True)
class Summary:
    """A study reduced to what its report says.

    Attributes
    ----------
    study : Study
        Where everything comes from.
    arms : tuple of ArmSummary
        In the order of the study.
    pairs : tuple of PairComparison
        Hierarchical arms against isotropic arms of the same main mixer; arms that diverged are
        left out.
    floor : Floor or None
        The best trivial row.
    """

    study: Study
    arms: tuple[ArmSummary, ...]
    pairs: tuple[PairComparison, ...]
    floor: Floor | None

    def arm(self, key: str) -> ArmSummary:
        """Return the arm with this key."""
        return next(one for one in self.arms if one.arm == key)

    @property
    def training_bases(self) -> tuple[int, int]:
        """The fewest and the most bases that an arm was trained on."""
        bases = [run.training_bases for run in self.study.runs]
        return min(bases), max(bases)

    @property
    def one_schedule(self) -> bool:
        """Whether warm-up and decay lie at the same bases for all arms."""
        own = {entry.split()[0] for run in self.study.runs for entry in run.recipe}
        fewest, most = self.training_bases
        return fewest == most and not own & _OF_SCHEDULE

    @property
    def ranked(self) -> list[ArmSummary]:
        """Arms that ended with a finite loss, best first."""
        finite = [one for one in self.arms if one.finite]
        return sorted(finite, key=lambda one: one.final.centre)


def summarise(study: Study) -> Summary:
    """Reduce a study to its summary.

    Parameters
    ----------
    study : Study
        With at least one run.

    Returns
    -------
    Summary
        Arms, comparisons and the best trivial row.
    """
    groups: dict[str, list[ArmRun]] = {}
    for run in study.runs:
        groups.setdefault(run.arm, []).append(run)
    arms = tuple(_arm(index, runs) for index, runs in enumerate(groups.values()))
    finite = {one.arm for one in arms if one.finite}
    pairs = [
        pair
        for pair in compare_pairs(study)
        if pair.isotropic in finite and pair.hierarchical in finite
    ]
    return Summary(study, arms, tuple(pairs), best_floor(study.floors))


def _arm(index: int, runs: Sequence[ArmRun]) -> ArmSummary:
    """Summarise the seeds of one arm."""
    before = [run.before_decay for run in runs if run.before_decay is not None]
    finals = [run.final for run in runs]
    return ArmSummary(
        arm=runs[0].arm,
        label=runs[0].label,
        index=index,
        runs=tuple(runs),
        before=likelihood_interval(before) if len(before) == len(runs) else None,
        final=likelihood_interval(finals),
        repeats=_per_base([(one.masked_nats, one.masked_bases) for one in finals]),
        unique=_per_base([(one.unmasked_nats, one.unmasked_bases) for one in finals]),
        bases_per_chunk=tuple(
            float(value) for value in np.mean([one.bases_per_chunk for one in finals], axis=0)
        ),
        flops_per_base=float(np.mean([one.flops_per_base for one in finals])),
        bases_per_second=float(np.mean([run.bases_per_second for run in runs])),
    )


def _per_base(sums: Sequence[tuple[float, int]]) -> float | None:
    """Nats per base of pooled (nats, bases) sums; None without bases."""
    bases = sum(count for _, count in sums)
    return sum(nats for nats, _ in sums) / bases if bases else None
