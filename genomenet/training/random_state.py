"""The state of random numbers, kept in checkpoints as tensors and whole numbers."""

import random
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import distributed

from genomenet.training.ranks import world_size


class RandomState(L.Callback):
    """Go on with the random numbers that an undisturbed run would have drawn next.

    No part of training draws from global streams today: windows, strands and random boundaries
    are functions of the seed and the place. A layer that does, such as dropout, resumes exactly
    all the same. Every rank has its own streams.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """The streams of all ranks; all of them must ask together."""
        own = random_state()
        if world_size() == 1:
            return {"ranks": [own]}
        ranks: list[Any] = [None] * world_size()
        distributed.all_gather_object(ranks, own)
        return {"ranks": ranks}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep a checkpoint's streams until training starts."""
        self._loaded = state_dict

    def on_train_start(self, trainer, pl_module) -> None:
        """Set the streams: what Lightning draws while it sets up is drawn by now."""
        if self._loaded is None:
            return
        ranks, self._loaded = self._loaded["ranks"], None
        if trainer.global_rank < len(ranks):  # a rank that is new keeps what its seed gave it
            set_random_state(ranks[trainer.global_rank])


def random_state() -> dict[str, Any]:
    """The global streams of torch, its GPUs, numpy and Python."""
    numpy = np.random.get_state(legacy=False)  # noqa: NPY002
    assert isinstance(numpy, dict), "legacy=False gives a dictionary"
    version, words, next_gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        "numpy": [
            torch.from_numpy(numpy["state"]["key"].astype(np.int64)),
            int(numpy["state"]["pos"]),
            int(numpy["has_gauss"]),
            float(numpy["gauss"]),
        ],
        "python": [version, torch.tensor(words), next_gauss],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Set the global streams to what `random_state` returned.

    GPUs that are not there, as when a run goes on without one, are left out.
    """
    torch.set_rng_state(state["torch"])
    devices = torch.cuda.device_count() if state["cuda"] else 0
    for device, stream in enumerate(state["cuda"][:devices]):
        torch.cuda.set_rng_state(stream, device)
    keys, position, has_gauss, gauss = state["numpy"]
    np.random.set_state(  # noqa: NPY002
        ("MT19937", keys.numpy().astype(np.uint32), position, has_gauss, gauss)
    )
    version, words, next_gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), next_gauss))
