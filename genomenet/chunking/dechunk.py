"""From chunks back to positions: smoothing, spreading and straight-through confidence."""

import torch
from torch import Tensor

from genomenet.chunking.boundaries import Boundaries
from genomenet.chunking.chunk import Chunks
from genomenet.ops.ema import ema_scan, ema_step

PROBABILITY_FLOOR = 1e-4
"""The smoothing keeps this far from 0 and 1, so that gradients reach every chunk."""


def smooth(h_BSD: Tensor, chunks: Chunks, boundaries: Boundaries, parity: bool = False) -> Tensor:
    """Blend every chunk with those before it, the more the less certain its boundary was.

    zbar_k = P_k z_k + (1 - P_k) zbar_{k-1} with the boundary probabilities P of the chunks,
    in float32 (in bfloat16 its weights don't even sum to one). Source: H-Net equation 5.

    Parameters
    ----------
    h_BSD : Tensor
        Chunk vectors from the main network.
    chunks : Chunks
        Where the chunks begin.
    boundaries : Boundaries
        The decisions that `chunks` came from.
    parity : bool
        Round to bfloat16 where the published code does; see `published_terms`.

    Returns
    -------
    Tensor
        (B, S, D), float32 or float64.
    """
    exact = torch.promote_types(h_BSD.dtype, torch.float32)
    probability_BS = boundaries.probability.to(exact).gather(1, chunks.start_BS)
    weight_BS = probability_BS.clamp(PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    if parity:
        return to_bfloat16_and_back(ema_scan(*published_terms(h_BSD.to(exact), weight_BS)))
    return ema_scan(h_BSD.to(exact), weight_BS)


def published_terms(h: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """What to smooth, and with what weights, so that the result is the published code's.

    It runs the smoothing as a Mamba-2 scan in bfloat16: dt = log(1 / (1 - P)), x = z / dt and
    B = P are rounded, and y_k = exp(-dt_k) y_{k-1} + dt_k B_k x_k. Its weights don't quite add
    up to 1. How its kernel rounds within a block is not repeated. Source: dechunking of
    github.com/goombalab/hnet.

    Parameters
    ----------
    h : Tensor
        Chunk vectors (..., D), float32 or float64.
    weight : Tensor
        Their boundary probabilities (...), away from 0 and 1.
    """
    dt = to_bfloat16_and_back(torch.log(1 / (1 - weight)))
    x = to_bfloat16_and_back(h / dt.unsqueeze(-1))
    share = -torch.expm1(-dt)
    return x * (dt * to_bfloat16_and_back(weight) / share).unsqueeze(-1), share


def to_bfloat16_and_back(x: Tensor) -> Tensor:
    """Round to bfloat16; the dtype stays."""
    return x.to(torch.bfloat16).to(x.dtype)


def smooth_step(
    before_RD: Tensor, h_RD: Tensor, probability_R: Tensor, parity: bool = False
) -> Tensor:
    """One more chunk of some rows, as `smooth` has it.

    Parameters
    ----------
    before_RD : Tensor
        The smoothed vector of the chunk before, float32 or float64; zeros before the first.
    h_RD : Tensor
        Chunk vectors from the main network.
    probability_R : Tensor
        Boundary probabilities of the chunks.
    parity : bool
        Round as the published code does, but for the result: it is what the next step needs.
    """
    exact = before_RD.dtype
    weight_R = probability_R.to(exact).clamp(PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    if parity:
        h_RD, weight_R = published_terms(h_RD.to(exact), weight_R)
    return ema_step(before_RD, h_RD, weight_R)


def smooth_behind(
    before_BD: Tensor, h_BSD: Tensor, probability_BS: Tensor, parity: bool = False
) -> Tensor:
    """Many more chunks, as `smooth_step` has them one by one.

    Parameters
    ----------
    before_BD : Tensor
        As in `smooth_step`.
    h_BSD : Tensor
        Chunk vectors from the main network.
    probability_BS, parity
        As in `smooth_step`.

    Returns
    -------
    Tensor
        (B, 1 + S, D): `before_BD`, and the smoothed chunks.
    """
    exact = before_BD.dtype
    weight_BS = probability_BS.to(exact).clamp(PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    h_BSD = h_BSD.to(exact)
    if parity:
        h_BSD, weight_BS = published_terms(h_BSD, weight_BS)
    # A weight of 1 takes what was before as it is.
    weight_BT = torch.cat([torch.ones_like(weight_BS[:, :1]), weight_BS], 1)
    return ema_scan(torch.cat([before_BD.unsqueeze(1), h_BSD], 1), weight_BT)


def confidence(probability: Tensor, mask: Tensor) -> Tensor:
    """Confidence in what was decided: p at a boundary and 1 - p elsewhere."""
    return torch.where(mask, probability, 1 - probability)


def spread(h_BSD: Tensor, boundaries: Boundaries, straight_through: bool = True) -> Tensor:
    """Give every position the vector of its chunk, times its confidence.

    The confidence is p at a boundary and 1 - p elsewhere. Straight through, it is 1 in the
    forward pass and only passes the gradient on to p. Source: H-Net equations 6 to 9.

    Parameters
    ----------
    h_BSD : Tensor
        Chunk vectors.
    boundaries : Boundaries
        The decisions that they came from.
    straight_through : bool
        Whether the confidence counts as 1 in the forward pass.

    Returns
    -------
    Tensor
        (B, L, D), float32 or float64.
    """
    exact = torch.promote_types(h_BSD.dtype, torch.float32)
    chunk_of_BL = boundaries.mask.cumsum(1) - 1
    spread_BLD = h_BSD.to(exact).gather(
        1, chunk_of_BL.unsqueeze(-1).expand(-1, -1, h_BSD.shape[-1])
    )
    probability_BL = boundaries.probability.to(exact)
    confidence_BL = confidence(probability_BL, boundaries.mask)
    if straight_through:
        confidence_BL = StraightThroughOne.apply(confidence_BL)
    return spread_BLD * confidence_BL.unsqueeze(-1)


def place(h_BSD: Tensor, chunks: Chunks, length: int) -> Tensor:
    """Put every chunk vector where its chunk begins, and zeros elsewhere.

    Source: SpaceByte (arXiv 2404.14408) section 3.

    Parameters
    ----------
    h_BSD : Tensor
        Chunk vectors.
    chunks : Chunks
        Where the chunks begin.
    length : int
        L, the positions of the stage.

    Returns
    -------
    Tensor
        (B, L, D), float32 or float64.
    """
    exact = torch.promote_types(h_BSD.dtype, torch.float32)
    kept_BSD = h_BSD.to(exact) * chunks.valid_BS.unsqueeze(-1)
    empty_BLD = kept_BSD.new_zeros(h_BSD.shape[0], length, h_BSD.shape[-1])
    return empty_BLD.scatter_add(1, chunks.start_BS.unsqueeze(-1).expand_as(h_BSD), kept_BSD)


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
