"""Find the places of many windows at a time, since the price of finding is mostly per call."""

import numpy as np

from genomenet.genome.places import Places
from genomenet.windows.training_windows import Flips, Windows

_MOST_WINDOWS = 4096
_MOST_BP = 1 << 25
"""Windows that are drawn by what they hold are read to be found."""


class LookAhead:
    """Tells where windows lie as they do themselves, but finds those to come along with them.

    Parameters
    ----------
    windows : Windows
        Which to find.
    """

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        self._ahead = max(1, min(_MOST_WINDOWS, _MOST_BP // windows.length_bp))
        self._first = self._last = 0
        self._found: tuple[Places, Flips] | None = None

    def locate(self, first_sample: int, count: int) -> tuple[Places, Flips]:
        """Locate windows ``first_sample`` to ``first_sample + count``; see `Windows.locate`."""
        last = first_sample + count
        if self._found is None or not (self._first <= first_sample and last <= self._last):
            self._first, self._last = first_sample, first_sample + max(count, self._ahead)
            samples = np.arange(self._first, self._last, dtype=np.int64)
            self._found = self.windows.locate(samples)
        places, flip = self._found
        begin, end = first_sample - self._first, last - self._first
        return places.of_rows(begin, end), flip[begin:end]
