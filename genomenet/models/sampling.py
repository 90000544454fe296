"""From scores to the next token: temperature, top-k, top-p and the draw itself."""

from dataclasses import dataclass

import torch
from torch import Tensor

from genomenet.errors import UserError


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen.

    Attributes
    ----------
    temperature : float
        Scores are divided by it; 0 always takes the likeliest token.
    top_k : int
        Only the k likeliest tokens are drawn; 0 is no limit.
    top_p : float
        Only the likeliest tokens that together reach this probability are drawn; 1 is no limit.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def check(self) -> "Sampling":
        """Return self after making sure that the numbers make sense.

        Raises
        ------
        UserError
            Naming the number that does not.
        """
        if not 0 <= self.temperature < float("inf"):
            raise UserError(
                f"--temperature is {self.temperature:g}; give 0 for the likeliest, or more"
            )
        if self.top_k < 0:
            raise UserError(f"--top_k is {self.top_k}; give 0 for no limit, or a number of tokens")
        if not 0 < self.top_p <= 1:
            raise UserError(f"--top_p is {self.top_p:g}; give a probability above 0 and up to 1")
        return self


def token_probabilities(logits_RV: Tensor, sampling: Sampling, allowed_V: Tensor) -> Tensor:
    """Probabilities that the next token is drawn with.

    What is not allowed goes first, then temperature, top-k and top-p count in this order: top-p
    is reached by the probabilities that temperature and top-k have left.

    Parameters
    ----------
    logits_RV : Tensor
        Scores of the model.
    sampling : Sampling
        How to choose.
    allowed_V : Tensor of bool
        Tokens that may be drawn at all; at least one.

    Returns
    -------
    Tensor
        (R, V) in float64, each row summing to 1.
    """
    logits_RV = logits_RV.double().masked_fill(~allowed_V, float("-inf"))
    if sampling.temperature == 0:
        likeliest_R = logits_RV.argmax(-1)
        return torch.nn.functional.one_hot(likeliest_R, logits_RV.shape[-1]).double()
    # The largest becomes 0 before the division, which else could overflow.
    logits_RV = (logits_RV - logits_RV.amax(-1, keepdim=True)) / sampling.temperature
    order_RV = logits_RV.argsort(dim=-1, descending=True, stable=True)
    sorted_RV = logits_RV.gather(-1, order_RV)
    if sampling.top_k:
        sorted_RV[:, sampling.top_k :] = float("-inf")
    sorted_RV = sorted_RV.softmax(-1)
    # A token stays while those likelier than it have not reached top_p: the first always does.
    reached_RV = sorted_RV.cumsum(-1) - sorted_RV
    sorted_RV = sorted_RV.masked_fill(reached_RV >= sampling.top_p, 0.0)
    kept_RV = torch.zeros_like(sorted_RV).scatter(-1, order_RV, sorted_RV)
    return kept_RV / kept_RV.sum(-1, keepdim=True)


def draw(probability_RV: Tensor, uniform_R: Tensor) -> Tensor:
    """The token of each row at which the summed probabilities pass a number from [0, 1).

    Given the numbers nothing is left to chance: a row's token depends on no other row.

    Parameters
    ----------
    probability_RV : Tensor
        Rows that sum to 1; tokens of probability 0 are never drawn.
    uniform_R : Tensor
        One number a row.

    Returns
    -------
    Tensor of int64
        (R,) tokens.
    """
    total_RV = probability_RV.cumsum(-1)
    # Of the sum that rounding has left, so that the last token is not passed.
    aim_R1 = uniform_R.to(total_RV).unsqueeze(-1) * total_RV[:, -1:]
    return (total_RV <= aim_R1).sum(-1).clamp(max=_last_possible(probability_RV))


def _last_possible(probability_RV: Tensor) -> Tensor:
    """The last token of each row with a probability above 0."""
    place_V = torch.arange(probability_RV.shape[-1], device=probability_RV.device)
    return torch.where(probability_RV > 0, place_V, 0).amax(-1)
