"""Whose a run folder is: free for a new run, or of the very run that is asked for."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from genomenet.errors import UserError
from genomenet.files import remove_stale
from genomenet.models.patcher import Patcher, read_patcher
from genomenet.training.config import RunConfig
from genomenet.training.record import PATCHER, RECORD, config_to_dict, read_record


def resolved(config: RunConfig) -> tuple[RunConfig, Patcher | None]:
    """The config as a run records it, with absolute paths, and the patcher it names.

    Raises
    ------
    UserError
        When the config can't work or its patcher is none.
    """
    config = replace(config.check(), data=config.data.with_absolute_paths())
    if not config.model.patcher:
        return config, None
    patcher = read_patcher(config.model.patcher)
    model = replace(config.model, patcher=str(patcher.folder.absolute()))
    return replace(config, model=model), patcher


def require_free(out: Path, patcher: Patcher | None) -> None:
    """Make sure that a new run may be made in a folder.

    It may hold what a run leaves that was killed before it began: a copy of its patcher.

    Raises
    ------
    UserError
        When it holds a run or anything else.
    """
    if (out / RECORD).exists():
        raise UserError(
            f"{out} already holds a run; continue it with `genomenet resume {out}` or give "
            "another --out"
        )
    if not out.exists():
        return
    if out.is_dir():
        remove_stale(out.absolute())
        found = {path.name for path in out.iterdir()}
        if not found or (
            found == {PATCHER}
            and patcher is not None
            and read_patcher(out / PATCHER).digest == patcher.digest
        ):
            return
    raise UserError(f"{out} is not an empty folder; give another --out")


def require_same(run: Path, config: RunConfig) -> None:
    """Make sure that a folder holds the run that a config describes.

    Parameters
    ----------
    run : Path
        A run directory.
    config : RunConfig
        What is asked for.

    Raises
    ------
    UserError
        Naming the first key that differs, or the patcher if that has changed meanwhile.
    """
    asked, patcher = resolved(config)
    _, record = read_record(run)
    # As JSON gives it back: tuples are lists there.
    difference = _difference(record["config"], json.loads(json.dumps(config_to_dict(asked))))
    if difference:
        raise UserError(
            f"{run} already holds a run with another config ({difference}); go on with it by "
            f"`genomenet resume {run}`, or give another --out"
        )
    if patcher is not None and patcher.digest != record["patcher"]:
        raise UserError(
            f"{run} already holds a run with another patcher than {patcher.folder} is now; go on "
            f"with it by `genomenet resume {run}`, or give another --out"
        )


def _difference(there: dict[str, Any], here: dict[str, Any], prefix: str = "") -> str:
    for key in dict.fromkeys((*there, *here)):
        old, new = there.get(key), here.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            if found := _difference(old, new, f"{prefix}{key}."):
                return found
        elif old != new:
            return f"{prefix}{key} is {old} there and {new} here"
    return ""
