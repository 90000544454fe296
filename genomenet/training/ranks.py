"""The processes that train one model together: their number, and sums over all of them."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def world_size() -> int:
    """How many processes train together; 1 before they have found each other."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """The number of this process among them, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def total(own: Tensor) -> Tensor:
    """Add up a tensor over all ranks, which must all ask for it.

    Parameters
    ----------
    own : Tensor
        This rank's part; of the same shape and dtype on every rank.

    Returns
    -------
    Tensor
        The sum, the same on every rank. The loss that is made of it has to be the same on every
        rank too: the gradients of all of these losses by the own part are then equal, and it
        takes no message to add them up.
    """
    return own if world_size() == 1 else _Total.apply(own)


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        everywhere = own.detach().clone()
        dist.all_reduce(everywhere)
        return everywhere

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * world_size()
