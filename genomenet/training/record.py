"""A run directory: what it records, and how it is read back."""

import dataclasses
import datetime
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from genomenet import __version__
from genomenet.errors import UserError
from genomenet.files import whole_file
from genomenet.models.config import ModelConfig
from genomenet.training.config import DataConfig, RunConfig, SplitConfig, TrainConfig

RECORD, SUMMARY, CHECKPOINTS = "run.json", "summary.json", "checkpoints"
PATCHER = "patcher"
FORMAT = 2


def versions() -> dict[str, str]:
    """Versions of what decides over results."""
    found = {"genomenet": __version__, "python": platform.python_version()}
    for package in ("torch", "lightning", "numpy", "mamba-ssm", "causal-conv1d", "flash-attn"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file whole."""
    with whole_file(path) as handle:
        json.dump(content, handle, indent=2, allow_nan=False)
        handle.write("\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of a run.

    Raises
    ------
    UserError
        When it is missing or broken.
    """
    if not path.is_file():
        raise UserError(f"{path.parent} is not a finished run or study: it has no {path.name}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not readable JSON ({error}); restore it or run anew") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no record; restore it or run anew")
    return content


def read_record(run: Path) -> tuple[RunConfig, dict[str, Any]]:
    """The config of a run directory and everything else it recorded.

    Raises
    ------
    UserError
        When the folder is not a run or was made by another version of the format.
    """
    if not (run / RECORD).is_file():
        raise UserError(f"{run} is not a run: it has no {RECORD}; name a folder `train` made")
    record = read_json(run / RECORD)
    if record.get("format") != FORMAT:
        raise UserError(
            f"{run / RECORD} has format {record.get('format')}, this genomenet reads {FORMAT}; "
            f"use the version that made it ({record.get('versions', {}).get('genomenet', '?')})"
        )
    config = config_from_dict(record["config"])
    if config.model.patcher:
        # The run has a copy, so that it is complete by itself.
        model = dataclasses.replace(config.model, patcher=str(run / PATCHER))
        config = dataclasses.replace(config, model=model)
    return config, record


def config_from_dict(content: dict[str, Any]) -> RunConfig:
    """A RunConfig from what `dataclasses.asdict` made of it."""
    data = dict(content["data"])
    data["split"] = SplitConfig(**data["split"])
    return RunConfig(
        model=ModelConfig(**content["model"]),
        data=DataConfig(**data),
        train=TrainConfig(**content["train"]),
    )


def config_to_dict(config: RunConfig) -> dict[str, Any]:
    """Plain dictionaries and lists of a RunConfig."""
    return dataclasses.asdict(config)
