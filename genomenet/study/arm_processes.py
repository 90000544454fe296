"""Processes that the arms of a study run in, and how they end when the study has to."""

from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import active_children, get_context
from multiprocessing.synchronize import Event
from signal import SIG_IGN, signal
from typing import Any

from genomenet.errors import Stopped
from genomenet.training.signals import SIGNALS, StopAtOnce, StopSignals

_stopping: Event | None = None
"""In a worker: whether the study is coming to its end."""


class ArmProcesses:
    """A pool of processes. When the block ends by Stopped, arms save before they end.

    By any other error they are killed: each goes on from its last checkpoint next time. A polite
    signal would end an arm's training and let its worker begin the next arm.

    Parameters
    ----------
    count : int
        Processes.
    """

    def __init__(self, count: int):
        context = get_context("spawn")  # threads and CUDA don't survive a fork
        self._stopping = context.Event()
        self._before = {child.pid for child in active_children()}
        self._pool = ProcessPoolExecutor(
            count, mp_context=context, initializer=_begin, initargs=(self._stopping,)
        )

    def __enter__(self) -> "ArmProcesses":
        return self

    def submit(self, task: Callable[..., Any], *arguments) -> Future:
        """Run a function of a module in one of the processes."""
        return self._pool.submit(_run, task, *arguments)

    def __exit__(self, kind: type[BaseException] | None, error, trace) -> None:
        if kind is None:
            self._pool.shutdown()
            return
        workers = [child for child in active_children() if child.pid not in self._before]
        with StopSignals():  # a second signal must not cut short what the first one began
            self._stopping.set()
            self._pool.shutdown(wait=False, cancel_futures=True)
            for worker in workers:
                if issubclass(kind, Stopped):
                    worker.terminate()
                else:
                    worker.kill()
            for worker in workers:
                worker.join()


def _begin(stopping: Event) -> None:
    """Prepare a worker: between tasks, signals find nothing to stop."""
    global _stopping
    _stopping = stopping
    for one in SIGNALS:
        signal(one, SIG_IGN)


def _run(task: Callable[..., Any], *arguments) -> Any:
    """Run a task in a worker, unless the study ends; a signal stops what can't be saved at once."""
    assert _stopping is not None, "_begin was called first"
    with StopAtOnce("the study goes on with the same command"):
        if _stopping.is_set():
            raise Stopped("the study ends")
        return task(*arguments)
