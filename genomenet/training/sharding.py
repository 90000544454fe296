"""Fully sharded training (FSDP2), with checkpoints that load on any number of processes."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.strategies import ModelParallelStrategy
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer

from genomenet.nn.stack import Block
from genomenet.training.checkpoint_folder import CheckpointFolder
from genomenet.training.checkpoint_reading import load_checkpoint
from genomenet.training.shards import write_shards


def shard_model(model: nn.Module, mesh: Any) -> None:
    """Shard each layer for itself, and what is left over as one: FSDP2 in place.

    Parameters
    ----------
    model : Module
        With Blocks; a model that is sharded already stays as it is.
    mesh : DeviceMesh
        The devices.
    """
    if isinstance(model, FSDPModule):
        return
    for module in list(model.modules()):
        if isinstance(module, Block):
            fully_shard(module, mesh=mesh)
    fully_shard(model, mesh=mesh)


class ShardedStrategy(ModelParallelStrategy):
    """Lightning's FSDP2 with checkpoints of this project.

    A checkpoint is a folder in which every rank writes its shards. Lightning's own are read by
    unpickling, and can't be put together again for one process.

    Parameters
    ----------
    world_size : int
        Processes; all of them share the model.
    backend : {"gloo", "nccl"}
        What they talk by.
    """

    def __init__(self, world_size: int, backend: str):
        super().__init__(
            data_parallel_size=world_size, tensor_parallel_size=1, process_group_backend=backend
        )

    @property
    def lightning_restore_optimizer(self) -> bool:
        """Let the trainer hand back the optimiser's state like that of the model."""
        return True

    def lightning_module_state_dict(self) -> dict[str, Any]:
        """The weights, each as its shard."""
        assert self.lightning_module is not None
        return self.lightning_module.state_dict()

    def optimizer_state(self, optimizer: Optimizer) -> dict[str, Any]:
        """The optimiser's state, each tensor as its shard."""
        return optimizer.state_dict()

    def save_checkpoint(
        self, checkpoint: dict[str, Any], filepath: Any, storage_options: Any | None = None
    ) -> None:
        """Write the shards of all ranks, whole or not at all."""
        path = Path(self.broadcast(str(filepath)))
        with contextlib.ExitStack() as stack:
            made = ""
            if self.is_global_zero:
                folder = CheckpointFolder(path.parent)
                step = int(checkpoint["global_step"])
                made = str(stack.enter_context(folder.new_folder(path.name, step)))
            unfinished = Path(self.broadcast(made))
            write_shards(checkpoint, unfinished, self.global_rank, self.world_size, self.barrier)

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> Any:
        """Read a checkpoint of any strategy and any number of processes."""
        return load_checkpoint(Path(self.broadcast(str(checkpoint_path))))

    def load_model_state_dict(self, checkpoint: Mapping[str, Any], strict: bool = True) -> None:
        """Give every rank its shards of the weights."""
        assert self.lightning_module is not None
        module = self.lightning_module
        like = module.state_dict()
        state = {
            name: _shard(value, like[name]) for name, value in checkpoint["state_dict"].items()
        }
        module.load_state_dict(state, strict=strict)

    def load_optimizer_state_dict(self, checkpoint: Mapping[str, Any]) -> None:
        """Give every rank its shards of the optimiser's state."""
        for optimiser, whole in zip(self.optimizers, checkpoint["optimizer_states"], strict=True):
            parameters = [one for group in optimiser.param_groups for one in group["params"]]
            state = {
                number: {name: _shard(value, parameters[number]) for name, value in of_one.items()}
                for number, of_one in whole["state"].items()
            }
            optimiser.load_state_dict({**whole, "state": state})


def _shard(whole: Any, like: Any) -> Any:
    """Cut a tensor as another of its shape is cut; scalars, such as counts of steps, are not."""
    cut = isinstance(like, DTensor) and isinstance(whole, Tensor) and whole.shape == like.shape
    if not cut:
        return whole
    whole = whole.to(like.device)
    # Every rank has read the same file: nothing has to be sent.
    return distribute_tensor(whole, like.device_mesh, like.placements, src_data_rank=None)
