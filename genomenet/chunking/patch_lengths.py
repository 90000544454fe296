"""BLT's way to write boundaries: the lengths of a row's patches."""

import torch
from torch import Tensor

from genomenet.errors import UserError


def mask_from_patch_lengths(lengths_BP: Tensor, length: int) -> Tensor:
    """Boundaries (B, L) of patches given by their lengths.

    A patch closes at every boundary. The lengths also cover the token that follows the row, so
    that they tell whether a patch closes at its last position. Source: BLT (arXiv 2412.09871).

    Parameters
    ----------
    lengths_BP : Tensor of int64
        Zeros only at the right.
    length : int
        L, the positions of a row.

    Raises
    ------
    UserError
        When a first patch is not of length 1 (it would show a row its own future), lengths
        don't add up to L + 1, or a zero stands before another length.
    """
    if (lengths_BP[:, 0] != 1).any():
        row = int((lengths_BP[:, 0] != 1).nonzero()[0, 0])
        raise UserError(
            f"patch_lengths: the first patch of row {row} has length {int(lengths_BP[row, 0])}; "
            "it must be 1, or every patch would see its own future"
        )
    padded_BP = lengths_BP == 0
    if (lengths_BP < 0).any() or (padded_BP[:, :-1] & ~padded_BP[:, 1:]).any():
        raise UserError("patch_lengths must be positive, with zeros only as padding at the right")
    total_B = lengths_BP.sum(1)
    if (total_B != length + 1).any():
        row = int((total_B != length + 1).nonzero()[0, 0])
        raise UserError(
            f"patch_lengths of row {row} add up to {int(total_B[row])}; {length} positions need "
            f"{length + 1}, for they also cover the token that comes next"
        )
    start_BP = lengths_BP.cumsum(1) - lengths_BP
    starts = torch.zeros(
        lengths_BP.shape[0], length + 2, dtype=torch.bool, device=lengths_BP.device
    )
    starts.scatter_(1, torch.where(padded_BP, length + 1, start_BP), True)
    return starts[:, 1 : length + 1]


def patch_lengths_from_mask(mask_BL: Tensor) -> Tensor:
    """The lengths (B, P) of the patches that close at boundaries, zeros at the right.

    Parameters
    ----------
    mask_BL : Tensor of bool
        True at the first position of every row.
    """
    rows = []
    for mask_L in mask_BL:
        starts = torch.cat([torch.zeros(1, dtype=torch.int64), mask_L.nonzero()[:, 0].cpu() + 1])
        end = torch.tensor([mask_L.numel() + 1])
        lengths = torch.diff(torch.cat([starts, end]))
        rows.append(lengths[lengths > 0])
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
