"""Batches for training and validation, read by threads while the device works on others."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from genomenet.errors import UserError
from genomenet.training.batch import HostBatch
from genomenet.training.config import RunConfig
from genomenet.training.device import uses_gpu
from genomenet.windows.batch_memory import Allocate, recycled
from genomenet.windows.held_out import HeldOutTiles
from genomenet.windows.look_ahead import LookAhead
from genomenet.windows.training_windows import Windows
from genomenet.windows.window_batch import read_windows

Task = Callable[[], list[HostBatch]]

_AT_ONCE_BP = 1 << 21
"""Bases read at once without threads: short steps together, since the price is mostly per call, but
not so many that what was copied has left the cache when it is looked at."""

_AHEAD_BP = 1 << 24
"""Bases in memory at a time, however many threads share them: a long task waits less for Python."""


class Items(Protocol):
    """What a loader goes through, some items at a time: they are found first, then read.

    Attributes
    ----------
    item_bp : int
        Bases of one item.
    micro_batches : int
        Micro-batches that one item is cut into.
    """

    item_bp: int
    micro_batches: int

    def __len__(self) -> int:
        """How many items there are."""

    def task(self, first: int, last: int) -> Task:
        """Return what reads items `first` to `last`, in any thread, as micro-batches."""


@dataclass(frozen=True)
class Share:
    """Which part of every batch one of several processes works on.

    Attributes
    ----------
    rank, ranks : int
        The number of the process, from 0, and how many there are.
    """

    rank: int
    ranks: int

    def rows(self, size: int, micro_batches: int) -> npt.NDArray[np.bool_]:
        """Which rows of a step of so many micro-batches of `size` windows are this rank's.

        Raises
        ------
        UserError
            When a micro-batch can't be shared out evenly.
        """
        if size % self.ranks:
            raise UserError(
                f"a micro-batch of {size} windows can't be shared by {self.ranks} devices: set "
                "train.micro_batch_size to a multiple of the number of devices that divides "
                "train.global_batch_size"
            )
        each = size // self.ranks
        return np.tile(np.arange(size) // each == self.rank, micro_batches)


ALONE = Share(0, 1)


class Steps:
    """Step number i of a run, a pure function of i: a counter is all there is to resume.

    The weight of a micro-batch depends on its whole step, so a step is read at once; its
    micro-batches share its memory. Of every micro-batch each rank reads its own rows.

    Parameters
    ----------
    windows : Windows
        The training split.
    config : RunConfig
        Batch sizes, steps and loss weights.
    size : int
        Windows per micro-batch, of all ranks together.
    share : Share
        The part of this rank.
    """

    def __init__(self, windows: Windows, config: RunConfig, size: int, share: Share = ALONE):
        self._windows = windows
        self._ahead = LookAhead(windows)
        self._size = config.train.global_batch_size
        self.micro_batches = self._size // size
        self._own = share.rows(size, self.micro_batches)
        self.item_bp = int(self._own.sum()) * windows.length_bp
        self._max_steps = config.train.max_steps
        self._soft_mask_weight = config.data.soft_mask_weight
        self._allocate = memory_for(config)

    def __len__(self) -> int:
        return self._max_steps

    def task(self, first: int, last: int) -> Task:
        """Return what reads steps `first` to `last`."""
        # Where windows lie is found here, in turn, for that has a state that it goes on from.
        places, flip = self._ahead.locate(first * self._size, (last - first) * self._size)
        if not self._own.all():
            chosen = np.tile(self._own, last - first)
            places, flip = places.of_chosen_rows(chosen), flip[chosen]

        def read() -> list[HostBatch]:
            windows = self._windows
            batch = read_windows(windows.genome, places, flip, windows.length_bp, self._allocate)
            parts = []
            rows = len(flip) // (last - first)
            for start in range(0, len(flip), rows):
                step = batch.rows(start, start + rows)
                weight = step.target_weight(self._soft_mask_weight)
                parts += HostBatch(step, weight, self.micro_batches).parts()
            return parts

        return read


class Tiles:
    """Held-out tiles in batches of `size`, each base once, whatever the number of ranks.

    Each rank has a stretch of the batches. Where they don't come out even, tiles that are not
    counted stand in, so that all ranks go through the model equally often.

    Parameters
    ----------
    tiles : HeldOutTiles
        The validation split.
    config : RunConfig
        Device.
    size : int
        Tiles per batch of one rank.
    share : Share
        The part of this rank.
    """

    micro_batches = 1

    def __init__(self, tiles: HeldOutTiles, config: RunConfig, size: int, share: Share = ALONE):
        self._tiles = tiles
        self._size = size
        batches = -(-len(tiles) // size)
        self._length = -(-batches // share.ranks)
        self._first = share.rank * self._length
        self._own = min(max(batches - self._first, 0), self._length)
        self.item_bp = size * tiles.length_bp
        self._allocate = memory_for(config)

    def __len__(self) -> int:
        return self._length

    def task(self, first: int, last: int) -> Task:
        """Return what reads batches `first` to `last`."""
        size, begin = self._size, (self._first + first) * self._size

        def read() -> list[HostBatch]:
            own = max(min(last, self._own) - first, 0)
            found = []
            if own:
                batch = self._tiles.batch(begin, own * size, self._allocate)
                found = [
                    HostBatch(batch.rows(start, start + size))
                    for start in range(0, len(batch.flip), size)
                ]
            while len(found) < last - first:
                found.append(HostBatch(self._tiles.batch(0, 1, self._allocate), stands_in=True))
            return found

        return read


class BatchLoader:
    """Yields the micro-batches of all items from one on, asked anew whenever a loop begins.

    Workers are threads: reading is copying, during which Python lets others run. They share the
    memory of the process, pinned memory included, so a batch is copied once.

    Parameters
    ----------
    items : Items
        Steps or tiles.
    workers : int
        Threads that read ahead; without any, reading takes turns with training.
    first_item : callable
        Tells where to begin.
    """

    def __init__(self, items: Items, workers: int, first_item: Callable[[], int] = int):
        self.items = items
        self._workers = workers
        self._first_item = first_item

    def __iter__(self) -> Iterator[HostBatch]:
        # Each thread has a task, one waits for it, and one is being trained on.
        task_bp = _AHEAD_BP // (self._workers + 2) if self._workers else _AT_ONCE_BP
        at_a_time = max(1, task_bp // self.items.item_bp)
        last = len(self.items)
        tasks = (
            self.items.task(first, min(first + at_a_time, last))
            for first in range(self._first_item(), last, at_a_time)
        )
        for parts in _in_turn(tasks, self._workers):
            while parts:
                yield parts.pop(0)  # let go of, so that the memory is free after the last one

    def __len__(self) -> int:
        return len(self.items) * self.items.micro_batches


def memory_for(config: RunConfig) -> Allocate:
    """Return what gives memory to read into: pinned memory, for a GPU to copy from by itself.

    torch keeps pinned memory that is free again for later, but not while a copy from it goes on.
    """
    return _pinned if uses_gpu(config.train) else recycled


def _pinned(size_bytes: int) -> npt.NDArray[np.uint8]:
    return torch.empty(size_bytes, dtype=torch.uint8, pin_memory=True).numpy()


def _in_turn(tasks: Iterable[Task], workers: int) -> Iterator[list[HostBatch]]:
    """Yield the results of tasks in their order, while threads are at work on those to come."""
    if not workers:
        yield from (task() for task in tasks)
        return
    pending: deque[Future[list[HostBatch]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="loader")
    try:
        for task in tasks:
            pending.append(pool.submit(task))
            if len(pending) > workers + 1:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
