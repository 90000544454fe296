"""Branches: runs that decay from a checkpoint of another run's stable phase."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from genomenet.errors import UserError
from genomenet.files import whole_folder
from genomenet.models.patcher import read_patcher
from genomenet.training.checkpoint_folder import BEST, LAST, CheckpointFolder
from genomenet.training.checkpoint_index import read_index
from genomenet.training.checkpoint_reading import load_checkpoint
from genomenet.training.claim import require_free
from genomenet.training.config import TrainConfig
from genomenet.training.record import (
    CHECKPOINTS,
    PATCHER,
    RECORD,
    config_to_dict,
    now,
    read_record,
    versions,
    write_json,
)
from genomenet.training.tables import TRAIN_TABLE, VALID_TABLE, read_table, write_table


def branch(trunk: Path, out: Path, step: int, decay_steps: int, command: str) -> None:
    """Make a run that is where another was at a step of its stable phase, about to decay.

    It sees the windows that the trunk saw, then those that the trunk would have seen next. Once
    resumed it ends bit for bit as a run does that was given its schedule from the start. The
    trunk is only read. Source: warmup-stable-decay schedules (arXiv 2404.06395).

    Parameters
    ----------
    trunk : Path
        The run directory to branch from, finished or not.
    out : Path
        The run directory to make, whole or not at all.
    step : int
        Optimiser steps at which to leave the trunk; 0 is the last that can be left from.
    decay_steps : int
        Optimiser steps of the decay.
    command : str
        Recorded as the command that made it.

    Raises
    ------
    UserError
        When the trunk has no stable phase or no checkpoint at that step, or `out` is taken.
    """
    config, record = read_record(trunk)
    steps = _stable_checkpoints(trunk, config.train)
    if not steps:
        raise UserError(
            f"{trunk} has no checkpoint of a stable phase to branch from: train with "
            "train.schedule wsd and train.keep_every, or wait for it"
        )
    step = step or max(steps)
    if step not in steps:
        known = ", ".join(map(str, sorted(steps)))
        raise UserError(
            f"{trunk} has no checkpoint of its stable phase at step {step}, but at {known}; name "
            "one of these as --step"
        )
    if decay_steps < 1:
        raise UserError(f"the decay has {decay_steps} steps; give 1 or more")
    patcher = read_patcher(config.model.patcher) if config.model.patcher else None
    require_free(out, patcher)
    name = steps[step]
    folder = CheckpointFolder(trunk / CHECKPOINTS)
    folder.require(name)
    content = load_checkpoint(trunk / CHECKPOINTS / name)
    # The best weights of the trunk are not taken along, so the branch has none to beat.
    content["callbacks"]["Checkpoints"]["best_loss"] = math.inf
    train = _decaying(config.train, step, decay_steps, record["micro_batch_size"])
    with whole_folder(out) as made:
        if patcher is not None:
            patcher.copy_to(made / PATCHER)
        for table in (TRAIN_TABLE, VALID_TABLE):
            rows: list[dict[str, Any]] = [
                row for row in read_table(trunk / table) if int(row["step"]) <= step
            ]
            if rows:
                write_table(made / table, rows)
        CheckpointFolder(made / CHECKPOINTS).save(content, LAST)
        recipe = config_to_dict(replace(config, train=train))["train"]
        share = train.max_steps / config.train.max_steps
        changes = {
            "command": command,
            "created": now(),
            "versions": versions(),
            "config": {**record["config"], "train": recipe},
            "training_flops_nominal": record["training_flops_nominal"] * share,
            "branch_of": {
                "run": str(trunk.absolute()),
                "step": step,
                "sha256": read_index(trunk / CHECKPOINTS)[name][0].sha256,
            },
        }
        write_json(made / RECORD, {**record, **changes})


def _stable_checkpoints(trunk: Path, train: TrainConfig) -> dict[int, str]:
    """Names of the checkpoints that a decay can start from, by their step."""
    stable = train.schedule == "wsd"
    return {
        entry.step: name
        for name, (entry, *_) in read_index(trunk / CHECKPOINTS).items()
        # The best has weights alone.
        if stable and name != BEST and train.phase(entry.step) == "stable"
    }


def _decaying(
    train: TrainConfig, step: int, decay_steps: int, micro_batch_size: int
) -> TrainConfig:
    """The recipe of a run that decays from a step on, and is the trunk's up to there."""
    max_steps = step + decay_steps
    return replace(
        train,
        max_steps=max_steps,
        warmup_fraction=train.warmup_steps / max_steps,
        decay_fraction=decay_steps / max_steps,
        valid_every=train.steps_between_validations,
        checkpoint_every=train.steps_between_checkpoints,
        micro_batch_size=micro_batch_size,
    )
