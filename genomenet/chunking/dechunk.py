"""From chunks back to positions: smoothing, spreading and straight-through confidence."""

import torch
from torch import Tensor

from genomenet.chunking.chunk import Chunks
from genomenet.chunking.routing import Routing
from genomenet.ops.ema import ema_scan

PROBABILITY_FLOOR = 1e-4
"""The smoothing keeps this far from 0 and 1, so that gradients reach every chunk."""


def dechunk(h_BSD: Tensor, chunks: Chunks, routing: Routing) -> Tensor:
    """Give every position the smoothed vector of its chunk.

    zbar_k = P_k z_k + (1 - P_k) zbar_{k-1} with the boundary probabilities P of the chunks,
    in float32 (in bfloat16 its weights don't even sum to one); position t receives zbar of
    the chunk it lies in, times a confidence that is 1 in the forward pass and passes the
    gradient on to p (or 1 - p where no boundary fell). Source: H-Net equations 5 to 9.

    Parameters
    ----------
    h_BSD : Tensor
        Chunk vectors from the main network.
    chunks : Chunks
        Where the chunks begin.
    routing : Routing
        The decisions that `chunks` came from.

    Returns
    -------
    Tensor
        (B, L, D), float32 or float64.
    """
    exact = torch.promote_types(h_BSD.dtype, torch.float32)
    probability_BL = routing.probability_BL.to(exact)
    chunk_probability_BS = probability_BL.gather(1, chunks.start_BS)
    smoothed_BSD = ema_scan(
        h_BSD.to(exact), chunk_probability_BS.clamp(PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    )
    chunk_of_BL = routing.boundary_BL.cumsum(1) - 1
    spread_BLD = smoothed_BSD.gather(
        1, chunk_of_BL.unsqueeze(-1).expand(-1, -1, smoothed_BSD.shape[-1])
    )
    confidence_BL = torch.where(routing.boundary_BL, probability_BL, 1 - probability_BL)
    return spread_BLD * StraightThroughOne.apply(confidence_BL).unsqueeze(-1)


class StraightThroughOne(torch.autograd.Function):
    """Exactly one in the forward pass, the identity in the backward pass."""

    @staticmethod
    def forward(ctx, confidence: Tensor) -> Tensor:
        """Return ones."""
        return torch.ones_like(confidence)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        """Return the gradient unchanged."""
        return gradient
