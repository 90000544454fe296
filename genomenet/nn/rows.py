"""Rows of an incremental state: read, written, begun anew, copied, and moved on by many positions.

A state is made of tensors whose first dimension is the batch, in lists, tuples and objects.
"""

import copy
from typing import Any

import torch
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


def latest(joined_BTX: Tensor, count_B: Tensor, reach: int) -> Tensor:
    """What a state remembers after reading: the last items up to each row's last valid position.

    Parameters
    ----------
    joined_BTX : Tensor
        The `reach` items that were remembered, then those of L new positions; of any shape from
        the third dimension on.
    count_B : Tensor of int64
        How many of the new positions are valid, 0 to L.
    reach : int
        Items to remember.

    Returns
    -------
    Tensor
        (B, reach, ...), a copy.
    """
    index_BK = count_B.unsqueeze(1) + torch.arange(reach, device=count_B.device)
    index_BKX = index_BK.view(*index_BK.shape, *[1] * (joined_BTX.ndim - 2))
    return joined_BTX.gather(1, index_BKX.expand(*index_BK.shape, *joined_BTX.shape[2:]))


def copy_rows(state: Any, rows_R: Tensor) -> Any:
    """A new state of some rows of another, so that several sequences go on from one prefix.

    Parameters
    ----------
    state : object
        From `new_state` of any module; stays as it is and shares no memory with the copy.
    rows_R : Tensor of int64
        In any order and as often as wanted.
    """
    if isinstance(state, Tensor):
        return state[rows_R]
    if isinstance(state, list | tuple):
        return type(state)(copy_rows(part, rows_R) for part in state)
    if not hasattr(state, "__dict__"):
        return state
    other = copy.copy(state)
    for name, part in vars(state).items():
        setattr(other, name, copy_rows(part, rows_R))
    return other


def restart_rows(state: Any, fresh: Any, rows_R: Tensor) -> None:
    """Make some rows of a state those of an empty sequence, whatever the state is made of.

    What an empty sequence has not yet, nothing reads before it is written: keys (None), or room
    for a long chunk (the state has grown, and keeps what it holds).

    Parameters
    ----------
    state : object
        Changed in place.
    fresh : object
        The state of one empty sequence, by the same module.
    rows_R : Tensor of int64
        Rows.
    """
    if isinstance(fresh, Tensor):
        if state.shape[1:] == fresh.shape[1:]:
            state[rows_R] = fresh
    elif isinstance(fresh, list | tuple):
        for part, fresh_part in zip(state, fresh, strict=True):
            restart_rows(part, fresh_part, rows_R)
    elif hasattr(fresh, "__dict__"):
        for name, fresh_part in vars(fresh).items():
            restart_rows(getattr(state, name), fresh_part, rows_R)
