"""How every benchmark takes time: cases in turns, so that whatever else happens meets them all."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from genomenet.host_memory import keep_freed_memory

Case = Callable[[], object]
Clock = Callable[[], float]


def use_threads(threads: int) -> Clock:
    """Make this process ready for timings, before its first tensor; return the clock to take.

    Freed memory is kept, as the command does; peers have the same of it.

    Parameters
    ----------
    threads : int
        That torch computes with.

    Returns
    -------
    callable
        Process CPU time for one thread: it stands still while others have the processor. Wall time
        for several, as CPU time adds up over threads: for a machine that does nothing else.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    return time.process_time if threads == 1 else time.perf_counter


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
    cases: Mapping[str, Case], repeats: int, clock: Clock = time.process_time
) -> dict[str, Timing]:
    """Time every case once a turn, after a turn that is not counted.

    Parameters
    ----------
    cases : mapping of str to callable
        What to run.
    repeats : int
        Turns that count.
    clock : callable
        That of `use_threads`.
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
