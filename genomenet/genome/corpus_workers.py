"""Write the shards of a corpus in several processes; what one has finished is kept."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Any, NamedTuple

from genomenet.errors import UserError
from genomenet.genome.corpus_shard import write_shard

_TOLD_EVERY_S = 0.2


class ShardTask(NamedTuple):
    """A shard to write: its folder, and name and file of each member."""

    folder: Path
    members: list[tuple[str, Path]]


class _Stopped(Exception):
    """The build was interrupted elsewhere."""


# Of a worker process: bases read by all workers, and whether they are to stop.
_shared: dict[str, Any] = {}


def write_shards(
    tasks: Sequence[ShardTask], workers: int, progress: Callable[[int], object]
) -> None:
    """Write shards, one process each at a time.

    Parameters
    ----------
    tasks : sequence of ShardTask
        What to write.
    workers : int
        How many processes; with one, or for a single shard, this process does it.
    progress : callable
        Called with the number of bases newly read.

    Raises
    ------
    UserError
        The first one of a file that can't be read; shards begun before are finished first.
    """
    workers = min(workers, len(tasks))
    if workers <= 1:
        for task in tasks:
            write_shard(task.folder, task.members, progress)
        return
    # Forking a process that runs threads may block; spawning never does.
    context = multiprocessing.get_context("spawn")
    bases, stop = context.Value("q", 0), context.Value("b", 0)
    pool = ProcessPoolExecutor(workers, context, _start_worker, (bases, stop))
    try:
        # Processes start here, and keep Ctrl-C blocked; this one hears of it right afterwards.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            futures = [pool.submit(_write, task) for task in tasks]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _watch(futures, bases, progress)
    except BrokenProcessPool:
        raise UserError(
            "a process that wrote a part of the corpus ended abruptly, maybe for want of memory; "
            "run the same command again, with fewer --workers: it goes on where it stopped"
        ) from None
    except KeyboardInterrupt:
        stop.value = 1
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _watch(futures: list[Future], bases: Any, progress: Callable[[int], object]) -> None:
    told, open_ones = 0, set(futures)
    while open_ones:
        done, open_ones = wait(open_ones, _TOLD_EVERY_S, FIRST_EXCEPTION)
        now = bases.value
        progress(now - told)
        told = now
        for future in done:
            future.result()


def _start_worker(bases: Any, stop: Any) -> None:
    _shared.update(bases=bases, stop=stop)
    # An interrupt reaches the parent as well, which tells the workers in its own way.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent killed outright can't tell its workers, which would wait for tasks for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for([parent.sentinel])
    os._exit(1)


def _write(task: ShardTask) -> None:
    write_shard(task.folder, task.members, _count)


def _count(bases: int) -> None:
    if _shared["stop"].value:
        raise _Stopped
    with _shared["bases"].get_lock():
        _shared["bases"].value += bases
