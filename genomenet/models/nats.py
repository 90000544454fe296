"""What a model's predictions cost: nats of every target, the one number all callers add up."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from genomenet.chunking.boundaries import Boundaries


@dataclass(frozen=True)
class Scores:
    """How well a model predicted a batch.

    Attributes
    ----------
    nats_BL : Tensor
        Negative log-likelihood of every target; 0 where nothing is scored.
    boundaries : tuple of Boundaries
        One for each step from bases to the innermost network, outermost first:
        `ModelConfig.compressions` of them.
    """

    nats_BL: Tensor
    boundaries: tuple[Boundaries, ...]


def next_base_nats(logits_BLV: Tensor, targets_BL: Tensor) -> Tensor:
    """Negative log-likelihood in nats of every target; 0 where the target is below 0.

    Parameters
    ----------
    logits_BLV : Tensor
        Scores of the next base.
    targets_BL : Tensor of int64
        Codes; -1 where nothing is scored (N and padding).
    """
    exact = torch.promote_types(logits_BLV.dtype, torch.float32)
    return F.cross_entropy(
        logits_BLV.to(exact).transpose(1, 2), targets_BL, ignore_index=-1, reduction="none"
    )
