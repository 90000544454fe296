"""Rows of different lengths in one row, one after the other, without padding between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Packing:
    """Where the rows of a padded batch (B, S, ...) lie in one row (1, M, ...) of its M positions.

    Operations that look back take it and look no further than the start of a sequence: the CUDA
    packages as they are told by it, torch by padding the rows again.

    Attributes
    ----------
    rows, length : int
        B and S.
    longest : int
        Positions of the longest sequence.
    place_M : Tensor of int64
        Where each position lies among the B * S of the padded batch.
    position_M : Tensor of int64
        Its number within its sequence, from 0.
    sequence_M : Tensor of int32
        Its sequence.
    start_B : Tensor of int32, shape (B + 1,)
        Where sequences begin, and where the last one ends.
    """

    rows: int
    length: int
    longest: int
    place_M: Tensor
    position_M: Tensor
    sequence_M: Tensor
    start_B: Tensor

    @classmethod
    def of(cls, count_B: Tensor, length: int, longest: int, total: int) -> Packing:
        """Pack rows of which the host knows how many positions they have together.

        Parameters
        ----------
        count_B : Tensor of int64
            Positions of each row, at its left.
        length : int
            Of the padded rows.
        longest, total : int
            Largest and sum of `count_B`, for which the device need not be waited for again.
        """
        rows = torch.arange(len(count_B), device=count_B.device)
        sequence_M = rows.repeat_interleave(count_B, output_size=total)
        start_B = F.pad(count_B.cumsum(0), (1, 0))
        position_M = torch.arange(total, device=count_B.device) - start_B[sequence_M]
        return cls(
            len(count_B),
            length,
            longest,
            sequence_M * length + position_M,
            position_M,
            sequence_M.int(),
            start_B.int(),
        )

    def pack(self, x: Tensor) -> Tensor:
        """(B, S, ...) to (1, M, ...)."""
        return x.flatten(0, 1).index_select(0, self.place_M).unsqueeze(0)

    def unpack(self, x: Tensor) -> Tensor:
        """(1, M, ...) to (B, S, ...), zeros in the padding."""
        padded = x.new_zeros(self.rows * self.length, *x.shape[2:])
        return padded.index_copy(0, self.place_M, x.squeeze(0)).unflatten(0, (self.rows, -1))

    def padded(self, op: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        """What an operation on padded rows makes of packed ones."""
        return self.pack(op(*(self.unpack(x) for x in inputs)))
