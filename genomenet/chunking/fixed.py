"""The fixed grid: a boundary at every so many positions."""

from dataclasses import dataclass

import torch
from torch import Tensor

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.chunker import Chunker


@dataclass
class Counter:
    """Positions seen by each row, (B,)."""

    position_B: Tensor


class FixedGrid(Chunker):
    """A boundary at every `stride`-th position: the control that routing must beat.

    Parameters
    ----------
    stride : int
        Positions per chunk.
    """

    def __init__(self, stride: int):
        super().__init__()
        self.stride = stride

    def forward(self, x_BLD: Tensor, positions: Positions) -> Tensor:
        """Place the grid from the start of every sequence; certain, so p is 1 or 0."""
        on_grid_L = torch.arange(x_BLD.shape[1], device=x_BLD.device) % self.stride == 0
        exact = torch.promote_types(x_BLD.dtype, torch.float32)
        return on_grid_L.to(exact).expand(x_BLD.shape[:2])

    def new_state(self, batch_size: int, device: torch.device) -> Counter:
        """Count positions."""
        return Counter(torch.zeros(batch_size, dtype=torch.int64, device=device))

    def step(self, x_RD: Tensor, position: Positions, state: Counter, rows_R: Tensor) -> Tensor:
        """Whether the position lies on the grid."""
        t_R = state.position_B[rows_R]
        state.position_B[rows_R] = t_R + 1
        return (t_R % self.stride == 0).to(torch.promote_types(x_RD.dtype, torch.float32))

    def read(self, x_BLD: Tensor, positions: Positions, state: Counter) -> Tensor:
        """Go on with the grid."""
        place_L = torch.arange(x_BLD.shape[1], device=x_BLD.device)
        t_BL = state.position_B.unsqueeze(1) + place_L
        state.position_B = state.position_B + positions.valid_BL.sum(1)
        return (t_BL % self.stride == 0).to(torch.promote_types(x_BLD.dtype, torch.float32))
