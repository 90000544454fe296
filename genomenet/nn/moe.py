"""The mixture of experts: several SwiGLU layers, of which every position goes through a few."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genomenet.nn.linear import Linear
from genomenet.nn.mlp import SwiGLU

ROWS_MULTIPLE = 64
"""Experts take few different numbers of rows: kernels are compiled and cached for every shape."""


@dataclass(frozen=True)
class Loads:
    """What each expert of a mixture was given in a forward pass, over the valid positions.

    Attributes
    ----------
    assignments_E : Tensor
        Positions that were sent to it.
    probability_E : Tensor
        Sum of the router's probability.
    positions : Tensor
        How many there were, a scalar.
    """

    assignments_E: Tensor
    probability_E: Tensor
    positions: Tensor

    def balance_loss(self, total: Callable[[Tensor], Tensor] = lambda own: own) -> Tensor:
        """E * sum_e f_e P_e; 1 when the load is even. Source: Switch equation 4.

        f_e is the share of assignments that expert e of E received and P_e its mean router
        probability. `total` adds up a tensor over ranks; one process has nothing to add.
        """
        assignments_E = total(self.assignments_E)
        load_E = assignments_E / assignments_E.sum()
        mean_E = total(self.probability_E) / total(self.positions)
        return len(load_E) * (load_E * mean_E).sum()


class MixtureOfExperts(nn.Module):
    """SwiGLU experts behind a router that sends every position to the `top_k` likeliest.

    The router's softmax runs in float32. With several experts a position the weights of the
    chosen ones are made to sum to one (Mixtral); with one its probability is the weight, or the
    router would have no gradient (Switch). No expert has a capacity and nothing is dropped, so
    a position's output depends on that position only.
    Sources: Switch Transformer (arXiv 2101.03961), Mixtral (arXiv 2401.04088).

    Parameters
    ----------
    d_model : int
        Width outside.
    width : int
        Hidden width of an expert.
    experts : int
        Number of experts.
    top_k : int
        Experts that a position goes through.

    Attributes
    ----------
    loads : Loads or None
        Of the last forward pass.
    """

    def __init__(self, d_model: int, width: int, experts: int, top_k: int):
        super().__init__()
        self.top_k = top_k
        self.router = Linear(d_model, experts, bias=False)
        self.experts = nn.ModuleList(SwiGLU(d_model, width) for _ in range(experts))
        self.loads: Loads | None = None

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Apply to every position alike.

        Parameters
        ----------
        x : Tensor
            Vectors (..., D).
        valid : Tensor of bool, optional
            (...,), False at padding, which the balance loss leaves out; all count if not given.

        Returns
        -------
        Tensor
            (..., D).
        """
        x_ND = x.flatten(0, -2)
        with torch.autocast(x.device.type, enabled=False):
            exact = self.router.weight.dtype
            probability_NE = self.router(x_ND.to(exact)).softmax(-1)
        weight_NK, expert_NK = probability_NE.topk(self.top_k, dim=-1)
        if self.top_k > 1:
            weight_NK = weight_NK / weight_NK.sum(-1, keepdim=True)
        self.loads = _loads(probability_NE, expert_NK, valid)

        # Assignments in the order of their experts: each expert works on one block of rows.
        expert_A = expert_NK.flatten()
        order_A = expert_A.argsort(stable=True)
        # The one time that a mixture waits for the device; bincount would do so once more.
        count_E = expert_A.new_zeros(len(self.experts))
        counts = count_E.scatter_add_(0, expert_A, torch.ones_like(expert_A)).tolist()
        blocks = order_A.div(self.top_k, rounding_mode="floor").split(counts)
        y_AD = torch.cat(
            [_run(expert, x_ND, rows) for expert, rows in zip(self.experts, blocks, strict=True)]
        )
        # Back in the order of positions, so that each adds up its own in a fixed order.
        back_A = torch.empty_like(order_A).scatter_(
            0, order_A, torch.arange(len(order_A), device=x.device)
        )
        y_NKD = y_AD.index_select(0, back_A).unflatten(0, (-1, self.top_k))
        return (weight_NK.unsqueeze(-1) * y_NKD).sum(1).unflatten(0, x.shape[:-1])


def _run(expert: nn.Module, x_ND: Tensor, rows_R: Tensor) -> Tensor:
    """One expert on the rows it was given; it also runs on none, so that all have gradients."""
    count = len(rows_R)
    padded = min(len(x_ND), -(-count // ROWS_MULTIPLE) * ROWS_MULTIPLE)
    return expert(x_ND.index_select(0, F.pad(rows_R, (0, padded - count))))[:count]


def _loads(probability_NE: Tensor, expert_NK: Tensor, valid: Tensor | None) -> Loads:
    chosen_NE = torch.zeros_like(probability_NE).scatter_(1, expert_NK, 1.0)
    valid_N1 = chosen_NE.new_ones(len(chosen_NE), 1)
    if valid is not None:
        valid_N1 = valid.flatten().unsqueeze(1).to(probability_NE.dtype)
    # Sums, not matrix products: autocast would round those.
    return Loads((chosen_NE * valid_N1).sum(0), (probability_NE * valid_N1).sum(0), valid_N1.sum())


def balance_losses(
    model: nn.Module, total: Callable[[Tensor], Tensor] = lambda own: own
) -> list[Tensor]:
    """The balance losses of the last forward pass, one for each mixture of experts.

    Parameters
    ----------
    model : Module
        Any module that holds mixtures.
    total : callable
        As in `Loads.balance_loss`.
    """
    return [
        module.loads.balance_loss(total)
        for module in model.modules()
        if isinstance(module, MixtureOfExperts) and module.loads is not None
    ]
