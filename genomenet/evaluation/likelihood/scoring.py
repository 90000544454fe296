"""Everything that likelihood findings are made of, and the words and cells they share."""

import math
from dataclasses import dataclass

from genomenet.evaluation.base_kinds import ALL
from genomenet.evaluation.blocks import Blocks
from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.findings import Series
from genomenet.evaluation.held_out import HeldOut
from genomenet.evaluation.scored_arms import Arm, by_groups, estimates
from genomenet.windows.held_out import HeldOutTiles

BITS = 1 / math.log(2)
OVERALL = by_groups([ALL])


@dataclass(frozen=True)
class Scoring:
    """Arms and controls that were scored on the same windows.

    Attributes
    ----------
    arms, controls : tuple of Arm
        Models, and what they must beat.
    held_out : HeldOut
        What was scored.
    tiles : HeldOutTiles
        Its windows.
    blocks : Blocks
        Where the sums are kept apart.
    """

    arms: tuple[Arm, ...]
    controls: tuple[Arm, ...]
    held_out: HeldOut
    tiles: HeldOutTiles
    blocks: Blocks

    @property
    def unit(self) -> str:
        """What one code is called."""
        return self.held_out.genome.alphabet.unit

    @property
    def all_arms(self) -> tuple[Arm, ...]:
        """Arms, then controls."""
        return self.arms + self.controls

    @property
    def both_strands(self) -> bool:
        """Whether the reverse strand was scored too."""
        return self.arms[0].first.reverse is not None

    def ranked(self) -> list[tuple[Arm, Estimate]]:
        """Arms whose likelihoods can be compared, with their nats per base, the best one first."""
        found = [
            (arm, estimates(arm, OVERALL)[0]) for arm in self.arms if arm.first.subject.comparable
        ]
        return sorted(
            found, key=lambda pair: math.inf if math.isnan(pair[1].centre) else pair[1].centre
        )


def bits(nats: float) -> float | None:
    """Bits of a cell; none where nothing was scored."""
    return None if math.isnan(nats) else nats * BITS


def perplexity(nats: float) -> float | None:
    """Perplexity of a cell; none where nothing was scored or no number can hold it."""
    return math.exp(nats) if nats < 700 else None


def bounds(one: Estimate) -> tuple[float, float] | None:
    """An interval in bits; none where there is none."""
    if not (math.isfinite(one.low) and math.isfinite(one.high)):
        return None
    return one.low * BITS, one.high * BITS


def series(arm: Arm, x: tuple[float | str, ...], found: list[Estimate]) -> Series:
    """Estimates of an arm as a series of a chart, in bits."""
    between = [bounds(one) or (math.nan, math.nan) for one in found]
    return Series(
        arm.name,
        x,
        tuple(one.centre * BITS for one in found),
        tuple(low for low, _ in between),
        tuple(high for _, high in between),
        control=arm.control,
    )


def listed(words: list[str]) -> str:
    """Words as in "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
