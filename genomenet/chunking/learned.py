"""Learned chunkers: H-Net's cosine routing, and the ablation that reads one position alone."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.chunker import Chunker
from genomenet.nn.linear import Linear
from genomenet.nn.rows import latest


@dataclass
class LastVector:
    """The encoder output of the position before, (B, D); zeros before the first."""

    x_BD: Tensor


class CosineRouter(Chunker):
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
        self.q_proj_layer = Linear(d_model, d_model, bias=False)
        self.k_proj_layer = Linear(d_model, d_model, bias=False)
        with torch.no_grad():
            self.q_proj_layer.weight.copy_(torch.eye(d_model))
            self.k_proj_layer.weight.copy_(torch.eye(d_model))

    def forward(self, x_BLD: Tensor, positions: Positions) -> Tensor:
        """Boundary probability of every position; 1 at the first."""
        return F.pad(self._probability(x_BLD[:, :-1], x_BLD[:, 1:]), (1, 0), value=1.0)

    def _probability(self, before: Tensor, here: Tensor) -> Tensor:
        """Of vectors (..., D) and the ones before them."""
        with torch.autocast(here.device.type, enabled=False):
            exact = self.q_proj_layer.weight.dtype
            q = F.normalize(self.q_proj_layer(before.to(exact)), dim=-1)
            k = F.normalize(self.k_proj_layer(here.to(exact)), dim=-1)
            return ((1 - (q * k).sum(-1)) / 2).clamp(0, 1)

    def new_state(self, batch_size: int, device: torch.device) -> LastVector:
        """Remember one vector a row."""
        weight = self.q_proj_layer.weight
        return LastVector(
            torch.zeros(batch_size, weight.shape[1], dtype=weight.dtype, device=device)
        )

    def step(self, x_RD: Tensor, position: Positions, state: LastVector, rows_R: Tensor) -> Tensor:
        """Compare with the vector before; the first position is a boundary whatever comes out."""
        probability_R = self._probability(state.x_BD[rows_R], x_RD)
        state.x_BD[rows_R] = x_RD.to(state.x_BD.dtype)
        return probability_R

    def read(self, x_BLD: Tensor, positions: Positions, state: LastVector) -> Tensor:
        """Compare each with the one before, the first with the one remembered."""
        joined_BTD = torch.cat([state.x_BD.unsqueeze(1), x_BLD.to(state.x_BD.dtype)], 1)
        state.x_BD = latest(joined_BTD, positions.valid_BL.sum(1), 1)[:, 0]
        return self._probability(joined_BTD[:, :-1], x_BLD)


class LinearRouter(Chunker):
    """A learned boundary probability that reads each position alone: sigmoid(w x_t + b).

    The ablation "without cosine routing". Source: H-Net (arXiv 2507.07955) section 3.3.

    Parameters
    ----------
    d_model : int
        Width of the positions.
    """

    def __init__(self, d_model: int):
        super().__init__()
        self.p_proj_layer = Linear(d_model, 1)
        # Half of all positions on either side of the decision, undecided.
        nn.init.normal_(self.p_proj_layer.weight, std=d_model**-0.5)
        nn.init.zeros_(self.p_proj_layer.bias)

    def forward(self, x_BLD: Tensor, positions: Positions) -> Tensor:
        """Boundary probability of every position."""
        with torch.autocast(x_BLD.device.type, enabled=False):
            exact = self.p_proj_layer.weight.dtype
            return self.p_proj_layer(x_BLD.to(exact)).squeeze(-1).sigmoid()

    def new_state(self, batch_size: int, device: torch.device) -> None:
        """Remember nothing."""

    def step(self, x_RD: Tensor, position: Positions, state: None, rows_R: Tensor) -> Tensor:
        """As `forward`."""
        return self(x_RD, position)

    def read(self, x_BLD: Tensor, positions: Positions, state: None) -> Tensor:
        """As `forward`."""
        return self(x_BLD, positions)
