"""Metrics of a run for TensorBoard, by the steps of the tables."""

import socket
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from genomenet.training.tables import place_of

FOLDER = "tensorboard"


class EventLogger(Logger):
    """Append points to an event file, one file for each time that the run goes on.

    A point is on its way to the disk when `log_metrics` returns: TensorBoard's own writer does it
    in a thread, where a full disk is told of too late and with a traceback.

    Parameters
    ----------
    run : Path
        The run directory.
    resumed_step : int
        TensorBoard is told to forget points of later steps: they are about to be made again.
    """

    def __init__(self, run: Path, resumed_step: int = 0):
        super().__init__()
        self.folder = run / FOLDER
        self.resumed_step = resumed_step
        self._newest: tuple[str, int] | None = None

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.folder.parent.name

    @property
    def version(self) -> str:
        """Runs have no versions: a folder holds one."""
        return ""

    def log_hyperparams(self, *args, **kwargs) -> None:
        """Nothing to do: run.json holds the config."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append a point for every metric, once for a step."""
        place = place_of(metrics, step)
        if place == self._newest:
            return
        self._newest = place
        values = [
            Summary.Value(tag=name, simple_value=float(value))
            for name, value in metrics.items()
            if name != "epoch"
        ]
        self._append(Event(step=place[1], summary=Summary(value=values)))

    def finalize(self, status: str) -> None:
        """Nothing to do: all is written."""

    @cached_property
    def _path(self) -> Path:
        """The file of this process, with what TensorBoard wants to read first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}"
        return self.folder / stem

    def _append(self, event: Event) -> None:
        events = [event]
        if "_path" not in self.__dict__:
            start = SessionLog(status=SessionLog.START)
            events = [
                Event(file_version="brain.Event:2"),
                Event(step=self.resumed_step + 1, session_log=start),
                event,
            ]
        with self._path.open("ab") as handle:
            writer = RecordWriter(handle)
            for one in events:
                one.wall_time = time.time()
                writer.write(one.SerializeToString())
