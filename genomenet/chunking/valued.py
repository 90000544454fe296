"""What chunkers by a value share: entropies and scores under one of BLT's rules."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.chunker import Chunker
from genomenet.chunking.noise import WORD
from genomenet.chunking.recent import Recent, base_tokens, recent
from genomenet.chunking.rules import BoundaryRule
from genomenet.nn.rows import latest


@dataclass
class ValuedState:
    """The last tokens of every row, its last value, and what computing values needs."""

    recent: Recent
    before_B: Tensor
    inner: Any


class ValuedChunker(Chunker):
    """A boundary where a value of the position, compared with the rule's threshold, asks for one.

    Parameters
    ----------
    rule : BoundaryRule
        What is compared.
    reset : int
        The value forgets everything before each multiple of so many positions, where a boundary
        is forced; 0 never does.
    """

    def __init__(self, rule: BoundaryRule, reset: int = 0):
        super().__init__()
        self.rule = rule
        self.reset = reset

    def values(self, positions: Positions) -> Tensor:
        """The value at every position, float32 (B, L)."""
        raise NotImplementedError

    def new_values(self, batch_size: int, device: torch.device) -> Any:
        """What `step_values` remembers of a prefix, if anything."""

    def step_values(
        self, position: Positions, recent_RK: Tensor, t_R: Tensor, inner: Any, rows_R: Tensor
    ) -> Tensor:
        """The value at one more position of some rows, float32 (R,).

        Parameters
        ----------
        position : Positions
            Content, of shape (R, 1).
        recent_RK : Tensor of int64
            The last `WORD` tokens, this one included.
        t_R : Tensor of int64
            The position's number in each row.
        inner : object
            From `new_values`.
        rows_R : Tensor of int64
            The rows.
        """
        raise NotImplementedError

    def read_values(
        self, positions: Positions, recent_BLK: Tensor, t_BL: Tensor, inner: Any
    ) -> Tensor:
        """The values at many more positions of all rows, float32 (B, L), arbitrary at padding.

        Parameters
        ----------
        positions : Positions
            Their content, right-padded.
        recent_BLK, t_BL, inner
            As in `step_values`.
        """
        raise NotImplementedError

    def forward(self, x_BLD: Tensor, positions: Positions) -> Tensor:
        """Ask, certain, so p is 1 or 0."""
        tokens_BL = base_tokens(positions.tokens_BL, type(self).__name__)
        asks_BL = self.rule.decide(self.values(positions), recent(tokens_BL, WORD))
        if self.reset:
            position_L = torch.arange(tokens_BL.shape[1], device=tokens_BL.device)
            asks_BL = asks_BL | (position_L % self.reset == 0)
        return asks_BL.to(torch.promote_types(x_BLD.dtype, torch.float32))

    def new_state(self, batch_size: int, device: torch.device) -> ValuedState:
        """Remember the last tokens and the last value."""
        return ValuedState(
            Recent.new(batch_size, WORD, device),
            torch.zeros(batch_size, device=device),
            self.new_values(batch_size, device),
        )

    def step(self, x_RD: Tensor, position: Positions, state: ValuedState, rows_R: Tensor) -> Tensor:
        """As `forward`, one position on."""
        tokens_R = base_tokens(position.tokens_BL, type(self).__name__)[:, 0]
        recent_RK, t_R = state.recent.push(tokens_R, rows_R)
        value_R = self.step_values(position, recent_RK, t_R, state.inner, rows_R)
        asks_R = self.rule.asks(value_R, state.before_B[rows_R], t_R, self.rule.word(recent_RK))
        if self.reset:
            asks_R = asks_R | (t_R % self.reset == 0)
        state.before_B[rows_R] = value_R.to(state.before_B.dtype)
        return asks_R.to(torch.promote_types(x_RD.dtype, torch.float32))

    def read(self, x_BLD: Tensor, positions: Positions, state: ValuedState) -> Tensor:
        """As `forward`, behind the state."""
        valid_BL = positions.valid_BL
        tokens_BL = base_tokens(positions.tokens_BL, type(self).__name__)
        recent_BLK, t_BL = state.recent.extend(tokens_BL, valid_BL)
        value_BL = self.read_values(positions, recent_BLK, t_BL, state.inner)
        joined_BT = torch.cat([state.before_B.unsqueeze(1), value_BL.to(state.before_B.dtype)], 1)
        word = self.rule.word(recent_BLK)
        asks_BL = self.rule.asks(value_BL, joined_BT[:, :-1], t_BL, word)
        if self.reset:
            asks_BL = asks_BL | (t_BL % self.reset == 0)
        state.before_B = latest(joined_BT, valid_BL.sum(1), 1)[:, 0]
        return asks_BL.to(torch.promote_types(x_BLD.dtype, torch.float32))


def since_reset(position: Tensor, reset: int) -> Tensor:
    """Positions since the last start symbol: that of the sequence, or of a reset."""
    return position % reset if reset else position
