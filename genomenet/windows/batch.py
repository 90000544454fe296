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


def reverse_complement(codes_BL: Tensor, lengths_B: Tensor) -> Tensor:
    """Return the other strand of each row, read in its own direction, padding still at the right.

    Parameters
    ----------
    codes_BL : Tensor of uint8 or int64, shape (B, L)
        Codes A0 C1 G2 T3 N4.
    lengths_B : Tensor of int64, shape (B,)
        Bases of each row without padding.
    """
    reversed_BL = reverse_rows(codes_BL, lengths_B)
    return torch.where(reversed_BL < N_CODE, 3 - reversed_BL, reversed_BL)


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


def unpack_mask(bits_BN: Tensor, shifts_B: Tensor, length_bp: int) -> Tensor:
    """Unpack a soft mask on its device; see `MaskBits`.

    Parameters
    ----------
    bits_BN : Tensor of uint8, shape (B, N)
        Eight bases to a byte.
    shifts_B : Tensor of uint8, shape (B,)
        Bit of the first byte that is the first base.
    length_bp : int
        Length L of the rows.

    Returns
    -------
    Tensor of bool, shape (B, L)
    """
    wide_BN = bits_BN.to(torch.int16)
    # Each byte with the next one above it, moved down so that the first base is the lowest bit.
    moved_BN = (wide_BN[:, :-1] | wide_BN[:, 1:] << 8) >> shifts_B.to(torch.int16)[:, None]
    places_8 = torch.arange(8, dtype=torch.int16, device=bits_BN.device)
    flags_BN8 = (moved_BN[:, :, None] >> places_8) & 1
    return flags_BN8.bool().flatten(1)[:, :length_bp]


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
    codes_BL = tensor_over(batch.codes).to(device, non_blocking=True)
    bits_BN = tensor_over(batch.mask.bits).to(device, non_blocking=True)
    shifts_B = tensor_over(batch.mask.shifts).to(device, non_blocking=True)
    masked_BL = unpack_mask(bits_BN, shifts_B, batch.mask.length_bp)
    lengths_B = tensor_over(batch.lengths).to(device, non_blocking=True)
    scores_BL = None
    if batch.scores is not None:
        scores_BL = tensor_over(batch.scores).to(device, non_blocking=True)
    if batch.flip.any():
        # Row numbers are made here, for the device would have to be waited for.
        rows = torch.from_numpy(batch.flip.nonzero()[0]).to(device, non_blocking=True)
        flipped = reverse_complement(codes_BL[rows], lengths_B[rows])
        # On the CPU a batch shares its memory with the arrays of the caller.
        codes_BL = codes_BL.index_copy(0, rows, flipped)
        masked_BL = masked_BL.index_copy(0, rows, reverse_rows(masked_BL[rows], lengths_B[rows]))
        if scores_BL is not None:
            mirrored = reverse_rows(scores_BL[rows], lengths_B[rows])
            scores_BL = scores_BL.index_copy(0, rows, mirrored)
    targets_BL = codes_BL.long()
    tokens_BL = _behind_start(targets_BL, batch.alphabet.start_code)
    valid_BL = torch.arange(codes_BL.shape[1], device=codes_BL.device) < lengths_B[:, None]
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
