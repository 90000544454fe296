"""Random boundaries at a given rate: the control that says what placing them well is worth."""

import torch
from torch import Tensor

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.chunker import Chunker
from genomenet.chunking.noise import WORD, hash_recent, uniform
from genomenet.chunking.recent import Recent, recent


class RandomChunker(Chunker):
    """A boundary with probability 1/target at every position, drawn by a hash of the prefix.

    The draw at a position is a function of (seed, stage, position) and, at base resolution, of
    the last 16 tokens, so that windows differ. It is no stream of random numbers: batches of any
    size, order and padding have the same boundaries, and so has generation.

    Parameters
    ----------
    target : float
        Wanted positions per chunk.
    seed : int
        Another seed draws other boundaries.
    stage : int
        Makes the stages of one model independent of each other.
    """

    def __init__(self, target: float, seed: int, stage: int):
        super().__init__()
        self.share = 1 / target
        self.seed = seed
        self.stage = stage

    def forward(self, x_BLD: Tensor, positions: Positions) -> Tensor:
        """Draw for every position; 1 or 0."""
        rows, length = x_BLD.shape[:2]
        position_BL = torch.arange(length, device=x_BLD.device).expand(rows, -1)
        if positions.tokens_BL is None:
            return self._draw(position_BL, 0, x_BLD.dtype)
        word_BL = hash_recent(recent(positions.tokens_BL, WORD))
        return self._draw(position_BL, word_BL, x_BLD.dtype)

    def _draw(self, position: Tensor, word: Tensor | int, dtype: torch.dtype) -> Tensor:
        asked = uniform(position, self.seed, self.stage, word) < self.share
        return asked.to(torch.promote_types(dtype, torch.float32))

    def new_state(self, batch_size: int, device: torch.device) -> Recent:
        """Remember the position and the last tokens."""
        return Recent.new(batch_size, WORD, device)

    def step(self, x_RD: Tensor, position: Positions, state: Recent, rows_R: Tensor) -> Tensor:
        """Draw for one position."""
        if position.tokens_BL is None:
            _, position_R = state.push(torch.zeros_like(rows_R), rows_R)
            return self._draw(position_R, 0, x_RD.dtype)
        recent_RK, position_R = state.push(position.tokens_BL[:, 0], rows_R)
        return self._draw(position_R, hash_recent(recent_RK), x_RD.dtype)

    def read(self, x_BLD: Tensor, positions: Positions, state: Recent) -> Tensor:
        """Draw for many positions."""
        valid_BL = positions.valid_BL
        if positions.tokens_BL is None:
            _, position_BL = state.extend(torch.zeros_like(valid_BL), valid_BL)
            return self._draw(position_BL, 0, x_BLD.dtype)
        recent_BLK, position_BL = state.extend(positions.tokens_BL, valid_BL)
        return self._draw(position_BL, hash_recent(recent_BLK), x_BLD.dtype)
