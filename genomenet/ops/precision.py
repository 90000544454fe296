"""The one dtype rule of the ops: scans and statistics run in float32, or float64 if given."""

from __future__ import annotations

import torch
from torch import Tensor


def scan_dtype(*tensors: Tensor) -> torch.dtype:
    """Dtype for scans and statistics over `tensors`.

    Parameters
    ----------
    *tensors : Tensor
        Inputs of the operation.

    Returns
    -------
    torch.dtype
        float64 when any input is float64, otherwise float32.
    """
    return torch.float64 if any(t.dtype == torch.float64 for t in tensors) else torch.float32


def no_autocast(tensor: Tensor) -> torch.autocast:
    """Context in which no operation on the device of `tensor` is cast by autocast.

    Parameters
    ----------
    tensor : Tensor
        Any tensor on the device in question.

    Returns
    -------
    torch.autocast
        A context manager.
    """
    return torch.autocast(tensor.device.type, enabled=False)
