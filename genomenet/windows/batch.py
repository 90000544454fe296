"""Turn windows into model inputs: the strand and every cast happen here, on the device."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from genomenet.genome.alphabet import N_CODE
from genomenet.windows.window_batch import WindowBatch


class ModelInputs(NamedTuple):
    """What a causal language model trains on.

    Attributes
    ----------
    tokens : Tensor of int64, shape (B, L)
        The targets shifted right by one, behind a start code.
    targets : Tensor of int64, shape (B, L)
        The bases of the window.
    weights : Tensor of float32, shape (B, L)
        Weight of each target in the loss; 0 for N and padding.
    valid : Tensor of bool, shape (B, L)
        False at padding.
    masked : Tensor of bool, shape (B, L)
        Whether the base that the position reads is soft-masked; False at the start code.
    scores : Tensor of float32, shape (B, L), or None
        Score of the base that the position reads; nan at the start code and where there is none.
    """

    tokens: Tensor
    targets: Tensor
    weights: Tensor
    valid: Tensor
    masked: Tensor
    scores: Tensor | None


def reverse_rows(x_BL: Tensor, lengths_B: Tensor) -> Tensor:
    """Reverse the valid prefix of each row; the padding behind it stays where it is.

    Parameters
    ----------
    x_BL : Tensor, shape (B, L)
        Any dtype.
    lengths_B : Tensor of int64, shape (B,)
        Length of each prefix.
    """
    place_L = torch.arange(x_BL.shape[1], device=x_BL.device)
    mirrored_BL = lengths_B[:, None] - 1 - place_L
    return x_BL.gather(1, torch.where(mirrored_BL >= 0, mirrored_BL, place_L))


def reverse_complement(packed_BL: Tensor, lengths_B: Tensor) -> Tensor:
    """Return the other strand of each row, read in its own direction, padding still at the right.

    Parameters
    ----------
    packed_BL : Tensor of uint8 or int64, shape (B, L)
        Codes A0 C1 G2 T3 N4, with or without what else a packed byte holds, which stays.
    lengths_B : Tensor of int64, shape (B,)
        Bases of each row without padding.
    """
    reversed_BL = reverse_rows(packed_BL, lengths_B)
    # Three minus a code below four, whatever bits are above it.
    return torch.where((reversed_BL & N_CODE) == 0, reversed_BL ^ 3, reversed_BL)


def tensor_over(array: np.ndarray) -> Tensor:
    """Return a tensor in the memory of an array.

    When that is the memory of another tensor, the new one is a part of it: torch must know pinned
    memory as its own to keep it until the GPU has taken what is there.
    """
    owner = array.base
    while isinstance(owner, np.ndarray):
        owner = owner.base
    made = torch.from_numpy(array)
    if not isinstance(owner, Tensor):
        return made
    start = made.data_ptr() - owner.untyped_storage().data_ptr()
    whole = torch.empty(0, dtype=made.dtype).set_(owner.untyped_storage())
    return whole.as_strided(made.shape, made.stride(), start // made.element_size())


def to_model_inputs(
    batch: WindowBatch,
    device: torch.device | str,
    soft_mask_weight: float = 1.0,
) -> ModelInputs:
    """Send a batch to the device as bytes, and make model inputs of it there.

    Parameters
    ----------
    batch : WindowBatch
        B windows of L bases.
    device : torch.device or str
        Where the tensors are to live.
    soft_mask_weight : float
        Weight of soft-masked targets.
    """
    packed_BL = tensor_over(batch.packed).to(device, non_blocking=True)
    lengths_B = tensor_over(batch.lengths).to(device, non_blocking=True)
    scores_BL = None
    if batch.scores is not None:
        scores_BL = tensor_over(batch.scores).to(device, non_blocking=True)
    if batch.flip.any():
        # Row numbers are made here, for the device would have to be waited for.
        rows = torch.from_numpy(batch.flip.nonzero()[0]).to(device, non_blocking=True)
        flipped = reverse_complement(packed_BL[rows], lengths_B[rows])
        # On the CPU a batch shares its memory with the arrays of the caller.
        packed_BL = packed_BL.index_copy(0, rows, flipped)
        if scores_BL is not None:
            mirrored = reverse_rows(scores_BL[rows], lengths_B[rows])
            scores_BL = scores_BL.index_copy(0, rows, mirrored)
    targets_BL = (packed_BL & batch.alphabet.code_bits).long()
    masked_BL = (packed_BL & batch.alphabet.soft_mask_flag) != 0
    tokens_BL = _behind_start(targets_BL, batch.alphabet.start_code)
    valid_BL = torch.arange(packed_BL.shape[1], device=packed_BL.device) < lengths_B[:, None]
    weights_BL = ((targets_BL < batch.alphabet.scored_codes) & valid_BL).to(torch.float32)
    weights_BL = torch.where(masked_BL, weights_BL * soft_mask_weight, weights_BL)
    return ModelInputs(
        tokens_BL,
        targets_BL,
        weights_BL,
        valid_BL,
        _behind_start(masked_BL, False),
        None if scores_BL is None else _behind_start(scores_BL, torch.nan),
    )


def _behind_start(x_BL: Tensor, first: float) -> Tensor:
    """What belongs to the base that each position reads; `first` belongs to the start code."""
    shifted_BL = torch.full_like(x_BL, first)
    shifted_BL[:, 1:] = x_BL[:, :-1]
    return shifted_BL
