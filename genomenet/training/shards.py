"""Checkpoints as folders of shards: a file a process, put together again by one or by many."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, Shard
from torch.utils._pytree import tree_map

from genomenet.training.digests import save_synced

CONTENT, SHARDS = "content.pt", "shard-{:05d}-of-{:05d}.pt"
_SHARD = "sharded tensor"


class OwnShards:
    """What one process keeps of a checkpoint in which tensors are spread over processes.

    Along the sharded dimension the ranks' pieces follow one another, so that it takes no more
    than their order to put them together.
    """

    def __init__(self) -> None:
        self.pieces: dict[str, Tensor] = {}

    def take(self, value: Any) -> Any:
        """Keep the own piece of a sharded tensor and return what stands for it; else the value."""
        if not isinstance(value, DTensor):
            return value
        (placement,) = value.placements
        key = str(len(self.pieces))
        self.pieces[key] = value.to_local().detach().cpu()
        return {_SHARD: key, "dim": placement.dim if isinstance(placement, Shard) else -1}


def write_shards(
    checkpoint: dict[str, Any], folder: Path, rank: int, ranks: int, barrier: Callable[[], object]
) -> None:
    """Write a checkpoint from all ranks at once.

    Parameters
    ----------
    checkpoint : dict
        Alike on all ranks but for the pieces of DTensors in it.
    folder : Path
        An empty folder.
    rank, ranks : int
        The number of this process, and how many there are.
    barrier : callable
        Waits for all of them.
    """
    own = OwnShards()
    content = tree_map(own.take, checkpoint)
    save_synced(own.pieces, folder / SHARDS.format(rank, ranks))
    if rank == 0:
        save_synced(content, folder / CONTENT)
    barrier()


def read_shards(folder: Path) -> dict[str, Any]:
    """The checkpoint in a folder, its tensors whole and on the CPU.

    Pieces are mapped, not read, until they are put together.

    Raises
    ------
    OSError, RuntimeError, KeyError
        When something is missing or broken.
    """
    content = torch.load(folder / CONTENT, map_location="cpu", weights_only=True)
    paths = sorted(folder.glob("shard-*.pt"))
    expected = int(paths[0].stem.rpartition("-")[2]) if paths else 1
    if len(paths) != expected:
        raise FileNotFoundError(f"{folder} has {len(paths)} of {expected} shards")
    pieces = [torch.load(path, map_location="cpu", mmap=True, weights_only=True) for path in paths]

    def whole(value: Any) -> Any:
        if not _stands_for_shards(value):
            return value
        parts = [piece[value[_SHARD]] for piece in pieces]
        return torch.cat(parts, value["dim"]) if value["dim"] >= 0 else parts[0]

    return tree_map(whole, content, is_leaf=_stands_for_shards)


def _stands_for_shards(value: Any) -> bool:
    return isinstance(value, dict) and _SHARD in value
