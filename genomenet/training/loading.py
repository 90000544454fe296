"""Batches for training and validation, read by threads while the device works on others."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from genomenet.genome.batch_memory import Allocate, recycled
from genomenet.genome.held_out import HeldOutTiles
from genomenet.genome.look_ahead import LookAhead
from genomenet.genome.window_batch import read_windows
from genomenet.genome.windows import Windows
from genomenet.training.batch import HostBatch
from genomenet.training.config import RunConfig
from genomenet.training.device import uses_gpu

Task = Callable[[], HostBatch]

_TASKS_PER_WORKER = 2


class Tasks(Protocol):
    """What a loader goes through: items that are found at once, and read when it suits."""

    micro_batches: int

    def __len__(self) -> int:
        """How many items there are."""

    def task(self, number: int) -> Task:
        """Return what reads item `number`, in any thread."""


class Steps:
    """Step number i of a run, a pure function of i: a counter is all there is to resume.

    The weight of a micro-batch depends on its whole step, so a step is read at once; its
    micro-batches share its memory.

    Parameters
    ----------
    windows : Windows
        The training split.
    config : RunConfig
        Batch sizes, steps and loss weights.
    size : int
        Windows per micro-batch.
    """

    def __init__(self, windows: Windows, config: RunConfig, size: int):
        self.step_size = config.train.global_batch_size
        self.micro_batches = self.step_size // size
        self._max_steps = config.train.max_steps
        self._windows = LookAhead(windows)
        self._soft_mask_weight = config.data.soft_mask_weight
        self._allocate = memory_for(config)

    def __len__(self) -> int:
        return self._max_steps

    def task(self, number: int) -> Task:
        """Return what reads step `number`."""
        windows = self._windows.windows
        # Where windows lie is found here, in turn, for that has a state that it goes on from.
        places, flip = self._windows.locate(number * self.step_size, self.step_size)

        def read() -> HostBatch:
            batch = read_windows(windows.genome, places, flip, windows.length_bp, self._allocate)
            weight = batch.target_weight(self._soft_mask_weight)
            return HostBatch(batch, weight, self.micro_batches)

        return read


class Tiles:
    """Held-out tiles in batches of `size`, each base once.

    Parameters
    ----------
    tiles : HeldOutTiles
        The validation split.
    config : RunConfig
        Device.
    size : int
        Tiles per batch.
    """

    micro_batches = 1

    def __init__(self, tiles: HeldOutTiles, config: RunConfig, size: int):
        self._tiles = tiles
        self._size = size
        self._allocate = memory_for(config)

    def __len__(self) -> int:
        return -(-len(self._tiles) // self._size)

    def task(self, number: int) -> Task:
        """Return what reads batch `number`."""
        return lambda: HostBatch(self._tiles.batch(number * self._size, self._size, self._allocate))


class BatchLoader:
    """Yields the micro-batches of all items from one on, asked anew whenever a loop begins.

    Workers are threads: reading is copying, during which Python lets others run. They share the
    memory of the process, pinned memory included, so a batch is copied once.

    Parameters
    ----------
    items : Tasks
        Steps or tiles.
    workers : int
        Threads that read ahead; without any, reading takes turns with training.
    first_item : callable
        Tells where to begin.
    """

    def __init__(self, items: Tasks, workers: int, first_item: Callable[[], int] = int):
        self.items = items
        self._workers = workers
        self._first_item = first_item

    def __iter__(self) -> Iterator[HostBatch]:
        numbers = range(self._first_item(), len(self.items))
        for batch in _in_turn(map(self.items.task, numbers), self._workers):
            parts = batch.parts()
            del batch  # its memory is free again when the last part is let go of
            while parts:
                yield parts.pop(0)

    def __len__(self) -> int:
        return len(self.items) * self.items.micro_batches


def memory_for(config: RunConfig) -> Allocate:
    """Return what gives memory to read into: pinned memory, for a GPU to copy from by itself.

    torch keeps pinned memory that is free again for later, but not while a copy from it goes on.
    """
    return _pinned if uses_gpu(config.train) else recycled


def _pinned(size_bytes: int) -> npt.NDArray[np.uint8]:
    return torch.empty(size_bytes, dtype=torch.uint8, pin_memory=True).numpy()


def _in_turn(tasks: Iterable[Task], workers: int) -> Iterator[HostBatch]:
    """Yield the results of tasks in their order, while threads are at work on those to come."""
    if not workers:
        yield from (task() for task in tasks)
        return
    pending: deque[Future[HostBatch]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="loader")
    try:
        for task in tasks:
            pending.append(pool.submit(task))
            if len(pending) > _TASKS_PER_WORKER * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
