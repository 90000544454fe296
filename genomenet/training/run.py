"""Train a model in a run directory, or go on with one that was stopped."""

import contextlib
import logging
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from genomenet.annotation.scored_genome import ScoredGenome
from genomenet.errors import UserError
from genomenet.models.patcher import read_patcher
from genomenet.training.callbacks import LAST, Checkpoints, Progress, Throughput
from genomenet.training.config import RunConfig
from genomenet.training.data import GenomeDataModule, micro_batch_size
from genomenet.training.describe import describe_run
from genomenet.training.device import uses_gpu
from genomenet.training.module import GenomeModule
from genomenet.training.provenance import (
    check_provenance,
    require_digest,
    require_patcher,
    require_splits,
)
from genomenet.training.record import (
    CHECKPOINTS,
    FORMAT,
    PATCHER,
    RECORD,
    SUMMARY,
    now,
    read_record,
    write_json,
)
from genomenet.training.strategy import cluster_environment, is_first_process, make_strategy
from genomenet.training.tables import VALID_TABLE, TableLogger, read_table
from genomenet.training.weights import load_checkpoint
from genomenet.windows.leak import leak_report


@dataclass(frozen=True)
class TrainingSummary:
    """How a run ended.

    Attributes
    ----------
    step, bases
        Optimiser steps and training bases.
    seconds, bases_per_second
        Training time without validation, and throughput.
    valid_nats
        Validation loss of the last weights in nats per base.
    """

    step: int
    bases: int
    seconds: float
    bases_per_second: float
    valid_nats: float


def train(
    config: RunConfig,
    out: Path,
    command: str,
    progress: bool = True,
    tell: Callable[[str], object] = lambda line: None,
) -> TrainingSummary | None:
    """Train from scratch.

    Parameters
    ----------
    config : RunConfig
        The run.
    out : Path
        The run directory to make.
    command : str
        Recorded as the command that made it.
    progress : bool
        Show a progress bar.
    tell : callable
        Called with lines on the splits before training starts.

    Returns
    -------
    TrainingSummary or None
        None in all processes but the first, which has the run directory to itself.

    Raises
    ------
    UserError
        When the config or the data can't work, `out` holds another run, or the loss diverges.
    """
    config = replace(config.check(), data=config.data.with_absolute_paths())
    patcher = read_patcher(config.model.patcher) if config.model.patcher else None
    if patcher is not None:
        model = replace(config.model, patcher=str(patcher.folder.absolute()))
        config = replace(config, model=model)
    first = is_first_process(cluster_environment(config.train))
    tell = tell if first else _ignore
    if first and (out / RECORD).exists():
        raise UserError(
            f"{out} already holds a run; continue it with `genomenet resume {out}` or give "
            "another --out"
        )
    if first and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not an empty folder; give another --out")
    _prepare(config)
    L.seed_everything(config.train.seed, verbose=False)
    data = GenomeDataModule(config, micro_batch_size(config))
    module = GenomeModule(config)
    leak = leak_report(data.splits, data.genome)
    for line in leak.lines():
        tell(line)
    if patcher is not None:
        for line in check_provenance(patcher, data.genome, data.splits):
            tell(line)
    if isinstance(data.genome, ScoredGenome):
        for line in data.genome.track.notes:
            tell(line)
    if data.training_windows.dropped_bp:
        tell(
            f"{data.training_windows.dropped_bp:,} training {config.data.unit}s lie in pieces "
            "shorter than a window and are left out"
        )
    if first:
        record = describe_run(config, data, leak, command)
        out.mkdir(parents=True, exist_ok=True)
        if patcher is not None:
            record["patcher"] = patcher.digest
            patcher.copy_to(out / PATCHER)
        write_json(out / RECORD, record)
    return _fit(config, out, data, module, checkpoint=None, progress=progress)


def resume(
    run: Path, progress: bool = True, sharing: Mapping[str, Any] | None = None
) -> TrainingSummary | None:
    """Go on with a run from its last checkpoint; the result is that of an undisturbed run.

    Parameters
    ----------
    run : Path
        The run directory.
    progress : bool
        Show a progress bar.
    sharing : mapping, optional
        Other `devices`, `nodes` or `strategy` than before: results don't depend on them.

    Raises
    ------
    UserError
        When `run` is no run, is finished, or its data has changed.
    """
    config, record = read_record(run)
    # The micro-batch is part of the result, so it stays, whoever shares it.
    train = replace(config.train, **(sharing or {}), micro_batch_size=record["micro_batch_size"])
    config = replace(config, train=train).check()
    if (run / SUMMARY).exists():
        raise UserError(f"{run} is finished; evaluate it with `genomenet evaluate {run}`")
    require_patcher(config, record, run)
    checkpoint = run / CHECKPOINTS / LAST
    _prepare(config)
    L.seed_everything(config.train.seed, verbose=False)
    data = GenomeDataModule(config, micro_batch_size(config))
    require_digest(data.genome, config, record, run)
    require_splits(data.splits, config, record, run)
    module = GenomeModule(config)
    # A run killed before its first checkpoint starts over, which comes to the same.
    start = checkpoint if checkpoint.exists() else None
    return _fit(config, run, data, module, checkpoint=start, progress=progress)


def _fit(
    config: RunConfig,
    run: Path,
    data: GenomeDataModule,
    module: GenomeModule,
    checkpoint: Path | None,
    progress: bool,
) -> TrainingSummary | None:
    recipe = config.train
    bases_per_step = recipe.global_batch_size * config.data.max_length
    resumed_step = 0
    if checkpoint is not None:
        resumed_step = load_checkpoint(checkpoint)["global_step"]
    environment = cluster_environment(recipe)
    first = is_first_process(environment)
    throughput = Throughput(bases_per_step)
    callbacks: list[L.Callback] = [throughput, Checkpoints(run / CHECKPOINTS, recipe)]
    if progress and first:
        callbacks.append(Progress())
    with _quiet():
        trainer = L.Trainer(
            # Never Lightning's own "auto": it knows devices that this code has not been made for.
            accelerator="cuda" if uses_gpu(recipe) else "cpu",
            devices=recipe.devices,
            num_nodes=recipe.nodes,
            strategy=make_strategy(recipe),
            plugins=[environment],
            precision="bf16-mixed" if recipe.precision == "bfloat16" else "32-true",
            max_steps=recipe.max_steps,
            accumulate_grad_batches=data.micro_batches_per_step,
            gradient_clip_val=recipe.gradient_clip or None,
            val_check_interval=recipe.steps_between_validations * data.micro_batches_per_step,
            check_val_every_n_epoch=None,
            num_sanity_val_steps=0,
            log_every_n_steps=max(1, recipe.max_steps // 200),
            logger=_loggers(run, bases_per_step, resumed_step) if first else False,
            callbacks=callbacks,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        try:
            trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
            if recipe.max_steps % recipe.steps_between_validations:
                trainer.validate(module, datamodule=data, verbose=False)
        except SystemExit:  # what Lightning makes of Ctrl-C, ignoring further ones
            signal.signal(signal.SIGINT, signal.default_int_handler)
            raise KeyboardInterrupt(
                f"stopped at step {trainer.global_step}; go on from the last checkpoint with "
                f"`genomenet resume {run}`"
            ) from None
    if not first:
        return None
    summary = TrainingSummary(
        step=trainer.global_step,
        bases=trainer.global_step * bases_per_step,
        seconds=throughput.seconds,
        bases_per_second=throughput.bases_per_second,
        valid_nats=float(read_table(run / VALID_TABLE)[-1]["val/loss"]),
    )
    write_json(run / SUMMARY, {"format": FORMAT, "finished": now(), **vars(summary)})
    return summary


def _ignore(line: str) -> None:
    """Say nothing: another process does."""


def _loggers(run: Path, bases_per_step: int, resumed_step: int) -> list[Logger]:
    return [
        TableLogger(run, bases_per_step, resumed_step),
        TensorBoardLogger(run, name="tensorboard", version=""),
    ]


def _prepare(config: RunConfig) -> None:
    if config.train.accelerator == "gpu" and not uses_gpu(config.train):
        raise UserError("train.accelerator is gpu, but torch finds none; use auto or cpu")
    if config.train.threads:
        torch.set_num_threads(config.train.threads)
    torch.set_float32_matmul_precision(config.train.matmul_precision)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's remarks on hardware and loaders off the terminal."""
    loggers = [logging.getLogger(f"lightning.{part}") for part in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning.*")
            warnings.filterwarnings("ignore", module="torch.*", category=FutureWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
