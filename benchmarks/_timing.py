"""How every benchmark takes time: cases in turns, so that whatever else happens meets them all."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from genomenet.host_memory import keep_freed_memory

keep_freed_memory()  # as the command does; peers have the same of it

Case = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """Seconds of one case.

    Attributes
    ----------
    seconds : tuple of float
        One a turn.
    """

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The figure that tables show."""
        return statistics.median(self.seconds)

    def ratio_to(self, other: "Timing") -> tuple[float, float, float]:
        """How many times this takes as long: of the medians; smallest and largest of the turns."""
        turns = [a / b for a, b in zip(self.seconds, other.seconds, strict=True)]
        return self.median / other.median, min(turns), max(turns)


def interleaved(
    cases: Mapping[str, Case], repeats: int, clock: Callable[[], float] = time.process_time
) -> dict[str, Timing]:
    """Time every case once a turn, after a turn that is not counted.

    Parameters
    ----------
    cases : mapping of str to callable
        What to run.
    repeats : int
        Turns that count.
    clock : callable
        Process CPU time stands still while others have the processor, and adds up over threads:
        right for one thread. Wall time (`time.perf_counter`) is right for several, on a machine
        that does nothing else.
    """
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(repeats + 1):
        for name, case in cases.items():
            gc.collect()
            start = clock()
            case()
            if turn:
                seconds[name].append(clock() - start)
    return {name: Timing(tuple(values)) for name, values in seconds.items()}
