"""Signals by which schedulers ask a run to stop: noted at once, answered between two steps."""

import signal
import threading
from types import FrameType
from typing import Any

import lightning as L
import torch
from torch import distributed

from genomenet.errors import Stopped
from genomenet.training.ranks import world_size

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
"""What Slurm, Kubernetes and their like send ahead of the end."""


class StopSignals(L.Callback):
    """Note SIGTERM and SIGUSR1 while the block runs; whoever trains asks when it suits.

    A handler may run in the middle of anything, of an all-reduce too: it does no more than take a
    note. Lightning's handlers save from within, which can wait for ever for other ranks.

    Attributes
    ----------
    received : signal.Signals or None
        The first signal that came.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "StopSignals":
        # Only a process's main thread may set handlers; elsewhere signals stay with their owner.
        if threading.current_thread() is threading.main_thread():
            self._before = {one: signal.getsignal(one) for one in SIGNALS}
            self._install()
        return self

    def __exit__(self, *exception) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def on_train_start(self, trainer, pl_module) -> None:
        """Take the place of the handlers that Lightning has set meanwhile.

        Raises
        ------
        Stopped
            When a signal has come before the first step: nothing is there to be saved.
        """
        self._install()
        if self.agreed(trainer):
            raise self.stopped(trainer, "no step was made since")

    def on_validation_start(self, trainer, pl_module) -> None:
        """Likewise for a validation by itself."""
        self._install()

    def agreed(self, trainer) -> bool:
        """Whether a signal has reached any rank; all of them ask, at the same place."""
        if world_size() == 1:
            return self.received is not None
        flag = torch.tensor(int(self.received is not None), device=trainer.strategy.root_device)
        distributed.all_reduce(flag, op=distributed.ReduceOp.MAX)
        return bool(flag)

    def stopped(self, trainer, saved: str) -> Stopped:
        """The end to raise, once all ranks have agreed.

        Parameters
        ----------
        trainer : Trainer
            Tells the step and the run.
        saved : str
            What became of the work.
        """
        by = self.received.name if self.received else "a signal to another process"
        return Stopped(
            f"stopped by {by} at step {trainer.global_step:,}; {saved}, and `genomenet resume "
            f"{trainer.default_root_dir}` goes on from there"
        )

    def _install(self) -> None:
        for one in self._before:
            signal.signal(one, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = self.received or signal.Signals(number)


class StopAtOnce:
    """Raise Stopped where the first of the signals meets the block; further ones change nothing.

    For work that has nothing to save. A StopSignals within takes over for as long as it runs.

    Parameters
    ----------
    sentence : str
        What to say after the name of the signal.
    """

    def __init__(self, sentence: str):
        self.sentence = sentence
        self._asked = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "StopAtOnce":
        if threading.current_thread() is threading.main_thread():
            self._before = {one: signal.signal(one, self._raise) for one in SIGNALS}
        return self

    def __exit__(self, *exception) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        if not self._asked:
            self._asked = True
            raise Stopped(f"stopped by {signal.Signals(number).name}; {self.sentence}")
