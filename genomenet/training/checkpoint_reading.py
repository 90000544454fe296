"""Reading checkpoints, files or folders of shards, without unpickling anything but tensors."""

import pickle
from pathlib import Path

import torch

from genomenet.errors import UserError
from genomenet.training.shards import CONTENT, read_shards

_BROKEN = (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError)


def load_checkpoint(path: Path) -> dict:
    """A checkpoint's content, on the CPU.

    Raises
    ------
    UserError
        When it is missing or broken.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist; name a run that has saved a checkpoint")
    try:
        if path.is_dir():
            return read_shards(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except _BROKEN as error:
        raise UserError(
            f"{path} is not a readable checkpoint ({type(error).__name__}): it is cut short or "
            "not one of genomenet's; use another checkpoint of the run, or train again"
        ) from None


def step_of(path: Path) -> int | None:
    """Optimiser steps done, without reading the tensors; None when the file is no checkpoint."""
    file = path / CONTENT if path.is_dir() else path
    try:
        content = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
        return int(content["global_step"])
    except _BROKEN:
        return None
