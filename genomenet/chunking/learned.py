"""Routers: where the boundaries between chunks fall."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Routing:
    """What a router decided for a batch of sequences.

    Attributes
    ----------
    probability_BL : Tensor
        Boundary probability of every position, float32; 1 at the start of a sequence.
    boundary_BL : Tensor of bool
        Whether a chunk begins at the position; never true at padding.
    valid_BL : Tensor of bool
        False at right padding.
    """

    probability_BL: Tensor
    boundary_BL: Tensor
    valid_BL: Tensor

    @property
    def boundary_share(self) -> Tensor:
        """F of the ratio loss: boundaries over valid positions, a scalar."""
        return self.boundary_BL.sum() / self.valid_BL.sum()

    @property
    def mean_probability(self) -> Tensor:
        """G of the ratio loss: mean boundary probability of valid positions, a scalar."""
        return (self.probability_BL * self.valid_BL).sum() / self.valid_BL.sum()

    @property
    def positions_per_chunk(self) -> Tensor:
        """Achieved mean length of a chunk in positions of this stage, a scalar."""
        return self.valid_BL.sum() / self.boundary_BL.sum()


class CosineRouter(nn.Module):
    """H-Net's learned routing: a boundary where neighbouring positions point apart.

    p_t = (1 - cos(Wq x_{t-1}, Wk x_t)) / 2 and p_1 = 1; a boundary where p_t > 1/2. Query and
    key sit as in the reference code, which swaps them against the paper's equation 4.
    Everything is computed in float32: under bfloat16 decisions flip. Source: H-Net (arXiv
    2507.07955) section 2.2.1.

    Parameters
    ----------
    d_model : int
        Width of the positions.
    """

    def __init__(self, d_model: int):
        super().__init__()
        self.q_proj_layer = nn.Linear(d_model, d_model, bias=False)
        self.k_proj_layer = nn.Linear(d_model, d_model, bias=False)
        with torch.no_grad():
            self.q_proj_layer.weight.copy_(torch.eye(d_model))
            self.k_proj_layer.weight.copy_(torch.eye(d_model))

    def forward(self, x_BLD: Tensor, valid_BL: Tensor) -> Routing:
        """Decide the boundaries of (B, L, D) positions, of which `valid_BL` are no padding."""
        with torch.autocast(x_BLD.device.type, enabled=False):
            x_BLD = x_BLD.to(self.q_proj_layer.weight.dtype)
            q_BLD = F.normalize(self.q_proj_layer(x_BLD[:, :-1]), dim=-1)
            k_BLD = F.normalize(self.k_proj_layer(x_BLD[:, 1:]), dim=-1)
            probability_BL = ((1 - (q_BLD * k_BLD).sum(-1)) / 2).clamp(0, 1)
            probability_BL = F.pad(probability_BL, (1, 0), value=1.0)
        return Routing(probability_BL, (probability_BL > 0.5) & valid_BL, valid_BL)


class FixedGrid(nn.Module):
    """A boundary at every `stride`-th position: the control that routing must beat.

    Parameters
    ----------
    stride : int
        Positions per chunk.
    """

    def __init__(self, stride: int):
        super().__init__()
        self.stride = stride

    def forward(self, x_BLD: Tensor, valid_BL: Tensor) -> Routing:
        """Place the grid from the start of every sequence; certain, so p is 1 or 0."""
        on_grid_L = torch.arange(x_BLD.shape[1], device=x_BLD.device) % self.stride == 0
        boundary_BL = on_grid_L.expand(x_BLD.shape[:2])
        exact = torch.promote_types(x_BLD.dtype, torch.float32)
        return Routing(boundary_BL.to(exact), boundary_BL & valid_BL, valid_BL)
