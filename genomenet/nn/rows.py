"""Rows of an incremental state: what stepping some sequences of a batch reads and writes."""

from torch import Tensor


def take_rows(state_B: Tensor, rows_R: Tensor) -> Tensor:
    """The named rows of a state, without a copy when they are all of them.

    Parameters
    ----------
    state_B : Tensor
        Of any shape, batch first.
    rows_R : Tensor of int64
        Different rows in ascending order, so that as many as the batch has are the batch.

    Returns
    -------
    Tensor
        Shares memory with the state, or does not: what changes it must call `put_rows`.
    """
    return state_B if len(rows_R) == len(state_B) else state_B[rows_R]


def put_rows(state_B: Tensor, rows_R: Tensor, value_R: Tensor) -> None:
    """Write the named rows of a state in place, cast to its dtype; what `take_rows` gave, too.

    Parameters
    ----------
    state_B, rows_R : Tensor
        As in `take_rows`.
    value_R : Tensor
        One row each.
    """
    if len(rows_R) == len(state_B):
        state_B.copy_(value_R)
    else:
        state_B[rows_R] = value_R.to(state_B.dtype)
