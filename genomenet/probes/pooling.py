"""From the vectors of a layer to one vector for each sequence."""

import torch
from torch import Tensor

from genomenet.models.hidden_states import HiddenLayer

POOLINGS = ("mean", "last", "centre")


def pool(layer: HiddenLayer, bases_B: Tensor) -> dict[str, Tensor]:
    """Pool the vectors of every row.

    Parameters
    ----------
    layer : HiddenLayer
        At bases or at chunks.
    bases_B : Tensor of int64
        Length of every row.

    Returns
    -------
    dict of str to Tensor
        (B, D) in float32. "mean" of all vectors; the "last" one, which has read the most;
        "centre", the one at the base in the middle, or, where a layer has none there, the last
        that stands before it: with H-Net that of the chunk that the base is in, with BLT and
        tokens that of the last one complete by then. A vector that has read only the start symbol
        is left out, unless a row has no other.
    """
    vectors, valid_BS = layer.vectors.float(), layer.valid
    places_S = torch.arange(valid_BS.shape[1], device=valid_BS.device)
    if layer.position is None:
        # One for each base, or evenly spread over them.
        middle_B = valid_BS.sum(1) // 2
        before_BS = places_S < (middle_B + 1).unsqueeze(1)
    else:
        read_BS = valid_BS & (layer.position > 0)
        valid_BS = torch.where(read_BS.any(1, keepdim=True), read_BS, valid_BS)
        before_BS = layer.position <= (bases_B // 2 + 1).unsqueeze(1)
    return {
        "mean": (vectors * valid_BS.unsqueeze(-1)).sum(1) / valid_BS.sum(1, keepdim=True),
        "last": _take(vectors, _last(valid_BS, places_S)),
        "centre": _take(vectors, _centre(valid_BS, before_BS, places_S)),
    }


def _last(valid_BS: Tensor, places_S: Tensor) -> Tensor:
    return torch.where(valid_BS, places_S, -1).max(1).values


def _centre(valid_BS: Tensor, before_BS: Tensor, places_S: Tensor) -> Tensor:
    """The last valid place up to the middle, or the first valid one after it."""
    first_B = torch.where(valid_BS, places_S, valid_BS.shape[1]).min(1).values
    return torch.maximum(_last(valid_BS & before_BS, places_S), first_B)


def _take(vectors: Tensor, place_B: Tensor) -> Tensor:
    return vectors[torch.arange(len(vectors), device=vectors.device), place_B]
