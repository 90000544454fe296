"""How Lightning writes checkpoints: through the folder that keeps their digests."""

from pathlib import Path
from typing import Any

from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch.plugins.io import AsyncCheckpointIO, TorchCheckpointIO

from genomenet.training.checkpoint_folder import CheckpointFolder
from genomenet.training.checkpoint_reading import load_checkpoint
from genomenet.training.config import TrainConfig


class WholeCheckpointIO(TorchCheckpointIO):
    """Write checkpoints whole, verified and with digests; read them as Lightning does.

    Lightning's own serialises into memory first, and so needs room for a checkpoint twice.
    """

    def __init__(self) -> None:
        super().__init__()
        self._folders: dict[Path, CheckpointFolder] = {}

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint.

        Parameters
        ----------
        checkpoint : dict
            What Lightning keeps.
        path : str or Path
            The file.
        storage_options : None
            Not taken: files are local.

        Raises
        ------
        OSError
            When the disk is full or can't be written to.
        UserError
            When the disk gives back other bytes than were written.
        """
        if storage_options is not None:
            raise TypeError("checkpoints are local files, which have no storage options")
        path = Path(path)
        folder = self._folders.setdefault(path.parent, CheckpointFolder(path.parent))
        folder.save(checkpoint, path.name)

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint to the CPU, a file or a folder of shards, without unpickling."""
        return load_checkpoint(Path(path))


def checkpoint_plugins(train: TrainConfig) -> list[CheckpointIO]:
    """What writes the checkpoints of a run; nothing where the strategy does so itself.

    In the background, tensors are copied and written by a thread, in turn, while training goes
    on. What is still being written is finished before the trainer lets go, however it ends.

    Parameters
    ----------
    train : TrainConfig
        The strategy, and whether to write in the background.
    """
    if train.strategy == "fsdp":
        return []
    whole = WholeCheckpointIO()
    return [AsyncCheckpointIO(whole) if train.async_checkpoints else whole]
