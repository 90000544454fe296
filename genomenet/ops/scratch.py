"""Working memory that one call of an op uses over and over."""

from __future__ import annotations

import torch
from torch import Tensor


class Scratch:
    """Named buffers, grown on demand and reused, so that no block allocates its temporaries.

    On a CPU a fresh megabyte costs more in page faults than the arithmetic done on it, and a
    reused one is still in the cache.

    Parameters
    ----------
    device : torch.device
        Where the buffers live.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._buffers: dict[tuple[str, torch.dtype], Tensor] = {}

    def __call__(self, name: str, dtype: torch.dtype, *shape: int) -> Tensor:
        """Hand out the buffer `name` as a contiguous tensor with whatever content it has.

        Parameters
        ----------
        name : str
            Equal names and dtypes share memory: the holder of an earlier tensor loses it.
        dtype : torch.dtype
            Element type.
        *shape : int
            Wanted shape.

        Returns
        -------
        Tensor
            A view of the buffer.
        """
        size = 1
        for extent in shape:
            size *= extent
        buffer = self._buffers.get((name, dtype))
        if buffer is None or len(buffer) < size:
            buffer = torch.empty(size, dtype=dtype, device=self._device)
            self._buffers[name, dtype] = buffer
        return buffer[:size].view(shape)

    def cast(self, name: str, dtype: torch.dtype, tensor: Tensor) -> Tensor:
        """Return `tensor` itself when it has `dtype`, otherwise a copy in the buffer `name`.

        Parameters
        ----------
        name : str
            Buffer for the copy.
        dtype : torch.dtype
            Wanted dtype.
        tensor : Tensor
            What to cast.

        Returns
        -------
        Tensor
            Of the shape of `tensor`.
        """
        if tensor.dtype == dtype:
            return tensor
        return self(name, dtype, *tensor.shape).copy_(tensor)
