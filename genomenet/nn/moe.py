"""The mixture of experts: several SwiGLU layers, of which every position goes through a few."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genomenet.nn.mlp import SwiGLU

ROWS_MULTIPLE = 64
"""Experts take few different numbers of rows: kernels are compiled and cached for every shape."""


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
    balance_loss : Tensor or None
        Load-balancing loss of the last forward pass: E * sum_e f_e P_e, where f_e is the share
        of assignments that expert e of E received and P_e its mean router probability, both
        over the valid positions. It is 1 when the load is even. Source: Switch equation 4.
    """

    def __init__(self, d_model: int, width: int, experts: int, top_k: int):
        super().__init__()
        self.top_k = top_k
        self.router = nn.Linear(d_model, experts, bias=False)
        self.experts = nn.ModuleList(SwiGLU(d_model, width) for _ in range(experts))
        self.balance_loss: Tensor | None = None

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
        self.balance_loss = _balance_loss(probability_NE, expert_NK, valid)

        # Assignments in the order of their experts: each expert works on one block of rows.
        order_A = expert_NK.flatten().argsort(stable=True)
        counts = expert_NK.flatten().bincount(minlength=len(self.experts)).tolist()
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


def _balance_loss(probability_NE: Tensor, expert_NK: Tensor, valid: Tensor | None) -> Tensor:
    """E * sum_e f_e P_e over the valid positions; see MixtureOfExperts."""
    experts, exact = probability_NE.shape[1], probability_NE.dtype
    chosen_NE = torch.zeros_like(probability_NE).scatter_(1, expert_NK, 1.0)
    valid_N1 = chosen_NE.new_ones(len(chosen_NE), 1)
    if valid is not None:
        valid_N1 = valid.flatten().unsqueeze(1).to(exact)
    count = valid_N1.sum()
    # Sums, not matrix products: autocast would round those.
    load_E = (chosen_NE * valid_N1).sum(0) / (count * expert_NK.shape[1])
    mean_E = (probability_NE * valid_N1).sum(0) / count
    return experts * (load_E * mean_E).sum()


def balance_losses(model: nn.Module) -> list[Tensor]:
    """The balance losses of the last forward pass, one for each mixture of experts.

    Parameters
    ----------
    model : Module
        Any module that holds mixtures.
    """
    return [
        module.balance_loss
        for module in model.modules()
        if isinstance(module, MixtureOfExperts) and module.balance_loss is not None
    ]
