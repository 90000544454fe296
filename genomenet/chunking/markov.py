"""Boundaries by the entropy of an order-k Markov model: a table in place of a neural network."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.noise import WORD
from genomenet.chunking.recent import base_tokens, recent
from genomenet.chunking.rules import BoundaryRule
from genomenet.chunking.valued import ValuedChunker, since_reset
from genomenet.genome.alphabet import N_CODE


class MarkovChunker(ValuedChunker):
    """BLT's rule on next-base entropies that are looked up in tables.

    The value of a position is the entropy of the next base, in nats, given the last k bases.
    Contexts cut short by N, the start or a reset are looked up in the table of their own
    order. At an N the value is 0: a run of N asks for nothing.

    Parameters
    ----------
    rule : BoundaryRule
        When to ask.
    tables : sequence of ndarray
        Entropies of orders 0 to k, item j of length 4**j; the oldest base is the most
        significant digit of a context.
    reset : int
        Contexts end at each multiple of so many positions; 0 never.
    """

    def __init__(
        self,
        rule: BoundaryRule,
        tables: Sequence[npt.NDArray[np.float32]],
        reset: int = 0,
    ):
        super().__init__(rule, reset)
        self.order = len(tables) - 1
        assert self.order <= WORD, "the last tokens are kept in a word"
        self.entropies_X: Tensor
        flat = torch.from_numpy(np.concatenate(tables).astype(np.float32))
        # As whole numbers, lest a model that is made bfloat16 round what thresholds lie close to.
        self.register_buffer("entropies_X", flat.view(torch.int32), persistent=False)

    def tables(self) -> list[Tensor]:
        """The tables, as they were given."""
        parts = self.entropies_X.view(torch.float32).split([4**k for k in range(self.order + 1)])
        return [part.clone() for part in parts]

    def values(self, positions: Positions) -> Tensor:
        """Look up all positions."""
        tokens_BL = base_tokens(positions.tokens_BL, "Markov")
        position_L = torch.arange(tokens_BL.shape[1], device=tokens_BL.device)
        return self._look_up(recent(tokens_BL, max(self.order, 1)), position_L)

    def step_values(
        self, position: Positions, recent_RK: Tensor, t_R: Tensor, inner: Any, rows_R: Tensor
    ) -> Tensor:
        """Look up one position."""
        return self._look_up(recent_RK, t_R)

    def read_values(
        self, positions: Positions, recent_BLK: Tensor, t_BL: Tensor, inner: Any
    ) -> Tensor:
        """Look up many positions."""
        return self._look_up(recent_BLK, t_BL)

    def _look_up(self, recent_K: Tensor, position: Tensor) -> Tensor:
        newest = recent_K.shape[-1] - 1
        available = since_reset(position, self.reset)
        alive = torch.ones_like(recent_K[..., 0], dtype=torch.bool)
        word = torch.zeros_like(recent_K[..., 0])
        first_row = torch.zeros_like(word)
        for j in range(self.order):
            token = recent_K[..., newest - j]
            alive = alive & (j < available) & (token >= 0) & (token < N_CODE)
            word = word + torch.where(alive, token << (2 * j), 0)
            first_row = first_row + torch.where(alive, 4**j, 0)
        entropy = self.entropies_X[first_row + word].view(torch.float32)
        in_n = (recent_K[..., newest] == N_CODE) & (available > 0)
        return torch.where(in_n, 0.0, entropy)
