"""Find the threshold at which chunks have a wanted mean length."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from genomenet.chunking.boundaries import Boundaries, Positions
from genomenet.chunking.guards import Guards, apply_guards
from genomenet.chunking.rules import BoundaryRule
from genomenet.errors import UserError

TOLERANCE = 0.02
"""Relative distance from the target that counts as met."""

CLOSE_ENOUGH = TOLERANCE / 4
"""Beyond it ties are broken: the rest of the tolerance is for held-out bases to differ."""

TIE_STEPS = 12
ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Sample:
    """Windows with a value at every position.

    Attributes
    ----------
    positions : Positions
        Of all windows, on the CPU.
    value_BL : Tensor of float32
        The values that the rule compares.
    before_BL : Tensor of float32
        Those of the positions before.
    word_BL : Tensor of int64
        Hashes of the last tokens, which break ties.
    forced_BL : Tensor of bool
        Boundaries that the chunker forces, at resets.
    """

    positions: Positions
    value_BL: Tensor
    before_BL: Tensor
    word_BL: Tensor
    forced_BL: Tensor

    def boundaries(self, rule: BoundaryRule, guards: Guards) -> Boundaries:
        """The decisions of a rule, some windows at a time to spare memory."""
        position_L = torch.arange(self.value_BL.shape[1])
        parts = []
        for first in range(0, len(self.value_BL), ROWS_AT_ONCE):
            rows = slice(first, first + ROWS_AT_ONCE)
            asks_BL = rule.asks(
                self.value_BL[rows], self.before_BL[rows], position_L, self.word_BL[rows]
            )
            p_BL = (asks_BL | self.forced_BL[rows]).float()
            here = Positions(self.positions.valid_BL[rows], self.positions.tokens_BL[rows])  # type: ignore[index]
            parts.append(apply_guards(p_BL, here, guards).mask)
        mask_BL = torch.cat(parts)
        return Boundaries(mask_BL.float(), mask_BL, self.positions.valid_BL)

    def mean(self, rule: BoundaryRule, guards: Guards) -> float:
        """Positions per chunk."""
        return self.boundaries(rule, guards).positions_per_chunk.item()


def find_threshold(
    sample: Sample, rule: BoundaryRule, guards: Guards, target: float
) -> tuple[BoundaryRule, str]:
    """The rule whose chunks have the wanted mean length on the sample.

    In the main the threshold is a quantile, for the share of positions above it is 1 / target.
    Forced boundaries and longest chunks shift it, so it is found by bisection over the values
    that occur, up to which the mean length only grows. Between two values it lies in the middle.
    Where many positions have the same value, no threshold may come close: then it lies on that
    value, and a share of its positions, chosen by a hash of their last 16 tokens, asks as well.

    Parameters
    ----------
    sample : Sample
        Windows with values.
    rule : BoundaryRule
        The kind of rule; its threshold is not used.
    guards : Guards
        The limits that the target reckons with.
    target : float
        Wanted positions per chunk.

    Returns
    -------
    BoundaryRule
        With threshold and share of ties.
    str
        What had to be done about ties; empty when nothing.

    Raises
    ------
    UserError
        When no threshold gives the target.
    """

    def mean_at(threshold: float, tie_share: float = 0.0) -> float:
        return sample.mean(replace(rule, threshold=threshold, tie_share=tie_share), guards)

    level_BL = rule.level(sample.value_BL, sample.before_BL)
    levels = level_BL[sample.positions.valid_BL]
    candidates = torch.unique(levels[torch.isfinite(levels)])
    if not len(candidates):
        raise UserError("there is no value at any position of the sample; choose other windows")
    lowest = torch.nextafter(candidates[0], torch.tensor(-torch.inf)).item()
    highest = candidates[-1].item()
    shortest, longest = mean_at(lowest), mean_at(highest)
    if not shortest <= target <= longest:
        raise UserError(_out_of_reach(target, shortest, longest))
    # The first candidate at which chunks are at least as long as wanted.
    at = _first(len(candidates), lambda i: mean_at(candidates[i].item()) >= target)
    above = mean_at(candidates[at].item())
    below = mean_at(candidates[at - 1].item()) if at else shortest
    if min(above - target, target - below) <= CLOSE_ENOUGH * target:
        chosen = at if above - target <= target - below else at - 1
        low = candidates[chosen].item() if chosen >= 0 else lowest
        high = candidates[chosen + 1].item() if chosen + 1 < len(candidates) else low
        middle = torch.tensor((low + high) / 2, dtype=torch.float32).item()
        # Neighbours in float32 have no middle.
        return replace(rule, threshold=middle if low <= middle < high else low), ""
    tied = candidates[at].item()
    low_share, high_share = 0.0, 1.0
    for _ in range(TIE_STEPS):
        share = (low_share + high_share) / 2
        low_share, high_share = (
            (share, high_share) if mean_at(tied, share) > target else (low_share, share)
        )
    tie_share = (low_share + high_share) / 2
    held = (levels == tied).float().mean().item()
    return replace(rule, threshold=tied, tie_share=tie_share), (
        f"{held:.1%} of the positions have exactly the value at the threshold, with which chunks "
        f"would be {below:.3g} or {above:.3g} long; {tie_share:.1%} of these positions, chosen by "
        "a hash of their last 16 tokens, ask for a boundary as well"
    )


def _first(count: int, holds: Callable[[int], bool]) -> int:
    """The smallest number below `count` for which a monotone condition holds."""
    low, high = 0, count - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _out_of_reach(target: float, shortest: float, longest: float) -> str:
    if target < shortest:
        return (
            f"chunks of {target:g} positions can't be had: even without a threshold they are "
            f"{shortest:.3g} long, for not every position has a value, or `rise` keeps some from "
            "asking; give a higher target or a lower rise"
        )
    return (
        f"chunks of {target:g} positions can't be had: forced boundaries (resets, max_chunk, N, "
        f"starts of windows) alone make them {longest:.3g} long; give a lower target, or fewer "
        "forced boundaries"
    )
