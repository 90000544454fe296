"""Arms that were scored on the same windows: estimates of any breakdown, alone and in pairs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from genomenet.evaluation.blocks import Blocks, Floats, Ints, ratio_intervals
from genomenet.evaluation.confidence import Estimate, seed_interval
from genomenet.evaluation.subject import Subject
from genomenet.evaluation.window_sums import WindowSums

Strand = Literal["forward", "reverse", "mean"]
Sums = tuple[Floats, Ints]
"""Nats and bases, both of shape (blocks, columns)."""

Breakdown = Callable[["Scored"], Sums]
"""Columns of one model's sums; the bases are the same for all models."""

Groups = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scored:
    """A model and what it scored.

    Attributes
    ----------
    subject : Subject
        The model.
    forward : WindowSums
        Of the genome's own strand.
    reverse : WindowSums or None
        Of the other strand, when that was scored too.
    """

    subject: Subject
    forward: WindowSums
    reverse: WindowSums | None = None

    def strands(self, strand: Strand = "mean") -> list[WindowSums]:
        """The sums of a strand; of both for their mean, as far as they were scored."""
        if strand == "forward" or (strand == "mean" and self.reverse is None):
            return [self.forward]
        if self.reverse is None:
            return []
        return [self.reverse] if strand == "reverse" else [self.forward, self.reverse]


@dataclass(frozen=True)
class Arm:
    """Models that differ in their seed only.

    Attributes
    ----------
    name : str
        What tables call it.
    seeds : tuple of Scored
        One a seed.
    control : bool
        Whether it is a control.
    """

    name: str
    seeds: tuple[Scored, ...]
    control: bool = False

    @property
    def first(self) -> Scored:
        """Its first seed."""
        return self.seeds[0]


def arms_of(models: Sequence[Scored]) -> list[Arm]:
    """Put the seeds of an arm together; one of a single seed keeps the model's name."""
    by_arm: dict[str, list[Scored]] = {}
    for model in models:
        by_arm.setdefault(model.subject.arm, []).append(model)
    return [
        Arm(name if len(seeds) > 1 else seeds[0].subject.name, tuple(seeds))
        for name, seeds in by_arm.items()
    ]


def by_groups(
    columns: Sequence[Groups], reverse: Sequence[Groups] = (), strand: Strand = "mean"
) -> Breakdown:
    """Sums over groups of bases: one column for each set of groups.

    Parameters
    ----------
    columns : sequence of ndarray of bool, shape (GROUPS,)
        Which groups belong to each column.
    reverse : sequence of ndarray of bool, optional
        The same for the reverse strand, where it is other groups.
    strand : {"forward", "reverse", "mean"}
        Which strand is read.
    """

    def sums(model: Scored) -> Sums:
        blocks = model.forward.nats_GK.shape[1]
        nats = np.zeros((blocks, len(columns)))
        bases = np.zeros((blocks, len(columns)), dtype=np.int64)
        for one in model.strands(strand):
            chosen = reverse if reverse and one is model.reverse else columns
            for place, groups in enumerate(chosen):
                nats[:, place] += one.nats_GK[groups].sum(0)
                bases[:, place] += one.bases_GK[groups].sum(0)
        return nats, bases

    return sums


def by_contig(blocks: Blocks, contigs: Sequence[str]) -> Breakdown:
    """Sums over contigs: one column for each of `contigs`."""
    on_KC = np.array(blocks.contigs)[:, None] == np.array(contigs)

    def sums(model: Scored) -> Sums:
        nats = sum(one.nats_GK.sum(0) for one in model.strands())
        bases = sum(one.bases_GK.sum(0) for one in model.strands())
        return np.asarray(nats)[:, None] * on_KC, np.asarray(bases)[:, None] * on_KC

    return sums


def by_position(model: Scored) -> Sums:
    """Sums over positions in the window: one column a bin of `WindowSums.nats_PK`."""
    strands = model.strands()
    return (
        np.sum([one.nats_PK for one in strands], axis=0).T,
        np.sum([one.bases_PK for one in strands], axis=0).T,
    )


def estimates(arm: Arm, breakdown: Breakdown) -> list[Estimate]:
    """Nats per base of every column: over seeds when there are two or more, else over blocks."""
    per_seed = [breakdown(seed) for seed in arm.seeds]
    if len(per_seed) == 1:
        return ratio_intervals(*per_seed[0])
    return _over_seeds([nats for nats, _ in per_seed], per_seed[0][1])


def differences(a: Arm, b: Arm, breakdown: Breakdown) -> list[Estimate]:
    """Nats per base of arm `a` minus arm `b` for every column, paired.

    Seeds that both arms have are paired, since they saw the data in the same order. With fewer
    than two of these, blocks are paired, of the shared seed or of the means over seeds. A control
    has one result for all seeds, and is paired with each.

    Raises
    ------
    ValueError
        When the two were scored on different bases.
    """
    of_a, of_b = ({one.subject.seed: breakdown(one) for one in arm.seeds} for arm in (a, b))
    if b.control and not a.control:
        of_b = dict.fromkeys(of_a, of_b[b.first.subject.seed])
    shared = sorted(set(of_a) & set(of_b))
    if shared:
        pairs = [(of_a[seed], of_b[seed]) for seed in shared]
    else:
        pairs = [(_mean(list(of_a.values())), _mean(list(of_b.values())))]
    for (_, bases_a), (_, bases_b) in pairs:
        if not np.array_equal(bases_a, bases_b):
            raise ValueError(f"{a.name} and {b.name} were scored on different bases")
    gaps = [nats_a - nats_b for (nats_a, _), (nats_b, _) in pairs]
    bases = pairs[0][0][1]
    return ratio_intervals(gaps[0], bases) if len(gaps) == 1 else _over_seeds(gaps, bases)


def _mean(sums: Sequence[Sums]) -> Sums:
    return np.mean([nats for nats, _ in sums], axis=0), sums[0][1]


def _over_seeds(nats: Sequence[Floats], bases_KC: Ints) -> list[Estimate]:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = [one.sum(0) / bases_KC.sum(0) for one in nats]
    return [seed_interval([ratio[column] for ratio in ratios]) for column in range(len(ratios[0]))]
