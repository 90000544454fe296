"""From what a chunker asks for to boundaries: forced ones, longest chunks, a ceiling."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from genomenet.chunking.boundaries import Boundaries, Positions
from genomenet.chunking.chunker import Chunker
from genomenet.genome.alphabet import N_CODE
from genomenet.nn.rows import latest

BURST = 64
"""Boundaries that a sequence may have before the ceiling counts."""


@dataclass(frozen=True)
class Guards:
    """Limits on the boundaries of a stage; every one of them looks back only.

    Attributes
    ----------
    max_chunk : int
        Longest chunk in positions, so that there can't be too few boundaries; 0 is no limit.
    max_boundary_share : float
        Largest share of positions, counted from the start of a sequence after a first
        allowance of `BURST`, at which the chunker gets the boundary it asks for; 1 is no limit.
        Forced boundaries come on top.
    at_n : bool
        Force a boundary where a run of N begins or ends.
    threshold : float
        A chunker asks where its probability is above. Models are trained at 1/2; moving it later
        trades compute for likelihood. It says nothing to rules that answer 0 or 1.
    """

    max_chunk: int = 0
    max_boundary_share: float = 1.0
    at_n: bool = False
    threshold: float = 0.5

    def allowed(self, position: Tensor) -> Tensor:
        """How many boundaries a chunker may have had by the end of a position."""
        return BURST + (self.max_boundary_share * (position.double() + 1)).floor().long()

    def most(self, length: int) -> int:
        """How many boundaries a sequence of so many positions can have at most.

        Those that the ceiling allows, and the one that must follow `max_chunk` positions without
        any. Runs of N know no limit.
        """
        if self.max_boundary_share >= 1 or self.at_n:
            return length
        forced = (length - 1) // self.max_chunk if self.max_chunk else 0
        return min(length, BURST + math.floor(self.max_boundary_share * length) + forced)


def decide(chunker: Chunker, x_BLD: Tensor, positions: Positions, guards: Guards) -> Boundaries:
    """The boundaries of whole sequences: those that are given, else what a chunker asks for.

    Parameters
    ----------
    chunker : Chunker
        Not asked where boundaries are given, nor are the guards.
    x_BLD : Tensor
        Encoder output of the stage.
    positions : Positions
        What stands there.
    guards : Guards
        The limits.
    """
    if positions.given_BL is None:
        return apply_guards(chunker(x_BLD, positions), positions, guards)
    mask_BL = positions.given_BL & positions.valid_BL
    exact = torch.promote_types(x_BLD.dtype, torch.float32)
    return Boundaries(mask_BL.to(exact), mask_BL, positions.valid_BL)


def apply_guards(probability_BL: Tensor, positions: Positions, guards: Guards) -> Boundaries:
    """Hold what a chunker asks for against the limits, for whole sequences.

    The first position of a sequence is always a boundary. Forced boundaries have probability
    1: a chunk that must begin counts in full.

    Parameters
    ----------
    probability_BL : Tensor
        What the chunker asks for.
    positions : Positions
        What stands there.
    guards : Guards
        The limits.
    """
    state = GuardState.new(len(probability_BL), probability_BL.device)
    return read_guards(probability_BL, positions, guards, state)


@dataclass
class GuardState:
    """What the guards remember of each row.

    Attributes
    ----------
    position_B : Tensor of int64
        Positions seen.
    granted_B : Tensor of int64
        Boundaries that the chunker asked for and got.
    last_B : Tensor of int64
        Position of the last boundary.
    was_n_B : Tensor of bool
        Whether the last token was N.
    """

    position_B: Tensor
    granted_B: Tensor
    last_B: Tensor
    was_n_B: Tensor

    @classmethod
    def new(cls, batch_size: int, device: torch.device) -> "GuardState":
        """The state of empty sequences."""
        zeros_B = torch.zeros(batch_size, dtype=torch.int64, device=device)
        return cls(zeros_B, zeros_B.clone(), zeros_B.clone(), zeros_B.bool())


def read_guards(
    probability_BL: Tensor, positions: Positions, guards: Guards, state: GuardState
) -> Boundaries:
    """Hold what a chunker asks for behind a prefix against the limits; see `apply_guards`.

    Parameters
    ----------
    probability_BL, positions, guards
        As in `apply_guards`.
    state : GuardState
        Brought up to date in place, each row to its last valid position.
    """
    valid_BL = positions.valid_BL
    count_B = valid_BL.sum(1)

    def remembered(before_B: Tensor, here_BL: Tensor) -> Tensor:
        return latest(torch.cat([before_B.unsqueeze(1), here_BL], 1), count_B, 1)[:, 0]

    t_BL = state.position_B.unsqueeze(1) + torch.arange(valid_BL.shape[1], device=valid_BL.device)
    asked_BL = (probability_BL > guards.threshold) | (t_BL == 0)
    mask_BL = asked_BL
    if guards.max_boundary_share < 1:
        before_B1 = state.granted_B.unsqueeze(1)
        raw_BL = before_B1 + asked_BL.cumsum(1)
        spare_BL = (guards.allowed(t_BL) - raw_BL).cummin(1).values.clamp(max=0)
        granted_BL = raw_BL + spare_BL
        mask_BL = granted_BL.diff(dim=1, prepend=before_B1) > 0
        state.granted_B = remembered(state.granted_B, granted_BL)
    forced_BL = t_BL == 0
    if guards.at_n and positions.tokens_BL is not None:
        n_BL = positions.tokens_BL == N_CODE
        was_n_BL = torch.cat([state.was_n_B.unsqueeze(1), n_BL[:, :-1]], 1)
        # The start symbol is an N too, but no base.
        forced_BL = forced_BL | ((t_BL > 1) & (n_BL != was_n_BL))
        state.was_n_B = remembered(state.was_n_B, n_BL)
    mask_BL = mask_BL | forced_BL
    if guards.max_chunk:
        before_B1 = state.last_B.unsqueeze(1)
        since_BL = t_BL - torch.where(mask_BL, t_BL, before_B1).cummax(1).values
        too_long_BL = (since_BL > 0) & (since_BL % guards.max_chunk == 0)
        forced_BL = forced_BL | too_long_BL
        mask_BL = mask_BL | too_long_BL
        state.last_B = torch.where(mask_BL & valid_BL, t_BL, before_B1).amax(1)
    state.position_B = state.position_B + count_B
    probability_BL = torch.where(forced_BL, 1.0, probability_BL)
    return Boundaries(probability_BL, mask_BL & valid_BL, valid_BL)


def step_guards(
    probability_R: Tensor, position: Positions, guards: Guards, state: GuardState, rows_R: Tensor
) -> tuple[Tensor, Tensor]:
    """Decide one more position of some rows, as `read_guards` does for many.

    Returns
    -------
    tuple of Tensor
        Probabilities and boundaries, (R,).
    """
    t_R = state.position_B[rows_R]
    asked_R = (probability_R > guards.threshold) | (t_R == 0)
    granted_R = asked_R
    if guards.max_boundary_share < 1:
        granted_R = asked_R & (state.granted_B[rows_R] < guards.allowed(t_R))
    forced_R = t_R == 0
    if guards.at_n and position.tokens_BL is not None:
        n_R = position.tokens_BL[:, 0] == N_CODE
        forced_R = forced_R | ((t_R > 1) & (n_R != state.was_n_B[rows_R]))
        state.was_n_B[rows_R] = n_R
    mask_R = granted_R | forced_R
    if guards.max_chunk:
        too_long_R = ~mask_R & (t_R - state.last_B[rows_R] == guards.max_chunk)
        forced_R, mask_R = forced_R | too_long_R, mask_R | too_long_R
    state.position_B[rows_R] = t_R + 1
    state.granted_B[rows_R] += granted_R
    state.last_B[rows_R] = torch.where(mask_R, t_R, state.last_B[rows_R])
    return torch.where(forced_R, 1.0, probability_R), mask_R
