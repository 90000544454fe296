"""A GPU for each of the processes that train arms side by side on one machine."""

import os
import tempfile
from pathlib import Path
from typing import IO

import torch

from genomenet.locks import try_lock

_held: dict[int, IO] = {}
"""GPUs that this process has taken: it keeps them until it ends."""


def take_gpu(locks: Path | None = None) -> int | None:
    """Make a GPU that no other such process has the one that this process works on.

    Locks are the machine's, not the study's: studies side by side share its GPUs, and machines
    that share a disk don't. A scheduler that shows a job one GPU has chosen already.

    Parameters
    ----------
    locks : Path, optional
        Folder of the locks; of this user, on this machine, when left out.

    Returns
    -------
    int or None
        Its number among those that torch sees; None when there is none to choose, or all are
        taken: then the first is shared.
    """
    count = torch.cuda.device_count()
    if count < 2:
        return None
    locks = locks or Path(tempfile.gettempdir()) / f"genomenet-gpus-{os.getuid()}"
    locks.mkdir(parents=True, exist_ok=True)
    for number in [*_held, *range(count)]:
        handle = _held.get(number) or try_lock(locks / _name(number))
        if handle is not None:
            _held[number] = handle
            torch.cuda.set_device(number)
            return number
    return None


def _name(number: int) -> str:
    """The name of a GPU's lock: schedulers may show jobs different GPUs under one number."""
    return f"gpu-{torch.cuda.get_device_properties(number).uuid}"
