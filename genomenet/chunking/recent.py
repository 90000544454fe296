"""The last few tokens at every position, side by side in training and remembered in generation."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from genomenet.nn.rows import latest

NOTHING = -1
"""Stands where a sequence had not yet begun."""


def recent(x_BL: Tensor, reach: int) -> Tensor:
    """The last `reach` values at every position, oldest first: a view of shape (B, L, reach).

    Parameters
    ----------
    x_BL : Tensor
        Tokens, or a mask; turned into int64.
    reach : int
        How many values, the position's own included, at least 1.
    """
    return F.pad(x_BL.long(), (reach - 1, 0), value=NOTHING).unfold(1, reach, 1)


@dataclass
class Recent:
    """What a prefix leaves to remember: its length and its last values.

    Attributes
    ----------
    position_B : Tensor of int64
        Positions seen.
    values_BK : Tensor of int64
        Last values, oldest first; `NOTHING` before the first.
    """

    position_B: Tensor
    values_BK: Tensor

    @classmethod
    def new(cls, batch_size: int, reach: int, device: torch.device) -> "Recent":
        """Empty sequences."""
        return cls(
            torch.zeros(batch_size, dtype=torch.int64, device=device),
            torch.full((batch_size, reach), NOTHING, dtype=torch.int64, device=device),
        )

    def push(self, value_R: Tensor, rows_R: Tensor) -> tuple[Tensor, Tensor]:
        """Take in one more value of some rows; returns their (R, reach) values and positions."""
        values_RK = torch.cat([self.values_BK[rows_R, 1:], value_R.long()[:, None]], dim=1)
        position_R = self.position_B[rows_R]
        self.values_BK[rows_R] = values_RK
        self.position_B[rows_R] = position_R + 1
        return values_RK, position_R

    def extend(self, value_BL: Tensor, valid_BL: Tensor) -> tuple[Tensor, Tensor]:
        """Take in many more values of all rows, right-padded.

        Returns
        -------
        tuple of Tensor
            The last (B, L, reach) values at each position, and the positions (B, L).
        """
        joined_BT = torch.cat([self.values_BK, value_BL.long()], 1)
        reach, count_B = self.values_BK.shape[1], valid_BL.sum(1)
        place_L = torch.arange(value_BL.shape[1], device=value_BL.device)
        position_BL = self.position_B.unsqueeze(1) + place_L
        self.values_BK = latest(joined_BT, count_B, reach)
        self.position_B = self.position_B + count_B
        return joined_BT[:, 1:].unfold(1, reach, 1), position_BL


def base_tokens(tokens_BL: Tensor | None, chunker: str) -> Tensor:
    """The tokens of a stage that must have some.

    Raises
    ------
    ValueError
        Within a hierarchy, where positions are chunks.
    """
    if tokens_BL is None:
        raise ValueError(f"a {chunker} chunker reads tokens, which only base resolution has")
    return tokens_BL
