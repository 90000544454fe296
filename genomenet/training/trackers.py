"""Weights & Biases and MLflow beside the tables of a run, one run of theirs over every resume."""

import importlib
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import MLFlowLogger, WandbLogger
from lightning.pytorch.loggers.logger import Logger

from genomenet.errors import UserError
from genomenet.training.config import TrainConfig
from genomenet.training.record import RECORD, read_json, write_json

IDS = "trackers.json"
"""The file of a run that holds the ids under which the trackers know it."""

LOCAL_STORE = "mlflow.db"
"""MLflow's database in a run's folder, where no server is named."""


def require_trackers(train: TrainConfig) -> None:
    """Make sure, before anything else happens, that the trackers' packages can be imported.

    Raises
    ------
    UserError
        Naming the package, why it can't be imported, and how to install it.
    """
    for name in train.trackers:
        try:
            importlib.import_module(name)
        except Exception as error:  # a broken package raises what it likes
            raise UserError(
                f"train.trackers names {name}, which can't be imported ({error}); install it with "
                f'pip install "genomenet[{name}]", or leave it out'
            ) from None


@contextmanager
def open_trackers(run: Path, train: TrainConfig) -> Iterator[list[Logger]]:
    """Start the trackers of a run, or go on with those that it had, and close them at the end.

    They get the run's record (config, digests of data and splits, versions) once, when they are
    new. Where several processes train, the first one opens them.

    Parameters
    ----------
    run : Path
        The run's folder, with its record; the trackers' ids are kept there.
    train : TrainConfig
        Which trackers, and what they call the run.

    Yields
    ------
    list of Logger
        For Lightning's trainer.

    Raises
    ------
    UserError
        When a tracker can't start: no login, no connection, or it has lost the run.
    """
    loggers: list[Logger] = []
    status = "failed"
    try:
        for name in train.trackers:
            try:
                loggers.append(_start(name, run, train))
            except Exception as error:  # of networks, logins and servers; each raises its own
                raise UserError(
                    f"{name} can't start for {run} ({type(error).__name__}: {error}); "
                    f"{_ADVICE[name]}, then go on with `genomenet resume {run}`"
                ) from error
        yield loggers
        status = "success"
    finally:
        _close(loggers, status)


_ADVICE = {
    "wandb": "log in with `wandb login`, or set WANDB_MODE=offline",
    "mlflow": "check MLFLOW_TRACKING_URI",
}


def _start(name: str, run: Path, train: TrainConfig) -> Logger:
    """A tracker that has begun, or goes on."""
    ids = read_json(run / IDS) if (run / IDS).exists() else {}
    known = ids.get(name)
    title = train.tracking_name or run.absolute().name
    logger: WandbLogger | MLFlowLogger
    if name == "wandb":
        own = known or secrets.token_hex(4)
        logger = WandbLogger(project=train.tracking_project, name=title, id=own, save_dir=run)
        _ = logger.experiment  # starts it
    else:
        logger = MLFlowLogger(
            experiment_name=train.tracking_project,
            run_name=title,
            run_id=known,
            tracking_uri=os.environ.get("MLFLOW_TRACKING_URI")
            or f"sqlite:///{run.absolute() / LOCAL_STORE}",
        )
        own = logger.run_id  # starts it
    if known is None:
        write_json(run / IDS, {**ids, name: own})
        logger.log_hyperparams(_facts(read_json(run / RECORD)))
    return logger


def _facts(record: dict[str, Any]) -> dict[str, Any]:
    """What a tracker is told of a run: its record, without what only resuming needs."""
    facts = {name: record[name] for name in ("config", "versions", "kernels", "parameters")}
    data = {name: record["data"][name] for name in ("digest", "splits", "split_bp", "leaked_bp")}
    return {**facts, "data": data, "command": record["command"]}


def _close(loggers: Sequence[Logger], status: str) -> None:
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            # Lightning leaves it open, and the next run of this process would be written to it.
            logger.experiment.finish(exit_code=0 if status == "success" else 1)
        else:
            logger.finalize(status)
