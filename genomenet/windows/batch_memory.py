"""Memory for batches, given out again once nobody holds the batch: new pages cost like copying."""

import weakref
from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Allocate = Callable[[int], npt.NDArray[np.uint8]]
"""Takes a number of bytes, and returns that many, shape (bytes,), with anything in them."""

_KEPT = 4
"""Free pieces that are kept: as many batches as are mostly let go of and asked for in between."""


class RecycledMemory:
    """Gives out arrays whose memory comes back when the last view of them is gone."""

    def __init__(self) -> None:
        # What comes back does so at any time, in any thread; each step on a deque is atomic.
        self._free: deque[bytearray] = deque(maxlen=_KEPT)

    def __call__(self, size_bytes: int) -> npt.NDArray[np.uint8]:
        """Return an array of uint8, shape (size_bytes,), with anything in it."""
        piece = self._find(size_bytes)
        # Views of an array over a buffer hold that array, not the buffer; so does torch.
        array = np.frombuffer(piece, dtype=np.uint8)
        weakref.finalize(array, self._free.append, piece).atexit = False
        return array

    def _find(self, size_bytes: int) -> bytearray:
        for _ in range(len(self._free)):
            try:
                piece = self._free.popleft()
            except IndexError:
                break
            if len(piece) == size_bytes:
                return piece
            self._free.append(piece)
        return bytearray(size_bytes)


recycled = RecycledMemory()
"""The memory of this process's batches."""
