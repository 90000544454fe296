"""How the processes of a run find each other, and how they share the model."""

import os
from collections.abc import Mapping

import torch
from lightning.fabric.plugins.environments import ClusterEnvironment
from lightning.pytorch.plugins.environments import (
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy, Strategy

from genomenet.errors import UserError
from genomenet.training.config import TrainConfig
from genomenet.training.device import uses_gpu


def cluster_environment(
    train: TrainConfig, environ: Mapping[str, str] = os.environ
) -> ClusterEnvironment:
    """Tell who started the processes: torchrun, srun, or nobody yet.

    Lightning's own guess takes the shell of a batch job for a task of srun and waits for ever.

    Parameters
    ----------
    train : TrainConfig
        How many processes are wanted.
    environ : mapping
        Environment variables.

    Raises
    ------
    UserError
        When torchrun or srun started another number of processes.
    """
    if "TORCHELASTIC_RUN_ID" in environ:
        _require_processes("torchrun", environ["WORLD_SIZE"], train)
        return TorchElasticEnvironment()
    if "SLURM_STEP_ID" in environ and environ.get("SLURM_NTASKS", "1") != "1":
        _require_processes("srun", environ["SLURM_NTASKS"], train)
        return SLURMEnvironment(auto_requeue=False)
    return LightningEnvironment()


def is_first_process(environment: ClusterEnvironment) -> bool:
    """Whether this is the process that writes files, known before the others are met."""
    return environment.node_rank() == 0 and environment.local_rank() == 0


def make_strategy(train: TrainConfig) -> Strategy:
    """How devices share the model and its gradients.

    Parameters
    ----------
    train : TrainConfig
        Devices, nodes and strategy.
    """
    gpu = uses_gpu(train)
    if train.strategy == "fsdp":
        from genomenet.training.sharding import ShardedStrategy

        return ShardedStrategy(train.world_size, "nccl" if gpu else "gloo")
    if train.world_size == 1:
        return SingleDeviceStrategy(f"cuda:{torch.cuda.current_device()}" if gpu else "cpu")
    # There are no buffers to keep alike, and every parameter has a gradient on every rank: the
    # first position begins a chunk, and experts without positions run on none.
    return DDPStrategy(
        process_group_backend="nccl" if gpu else "gloo",
        broadcast_buffers=False,
        gradient_as_bucket_view=True,
    )


def _require_processes(starter: str, started: str, train: TrainConfig) -> None:
    if int(started) != train.world_size:
        raise UserError(
            f"{starter} started {started} processes, but train.devices {train.devices} times "
            f"train.nodes {train.nodes} is {train.world_size}; make them agree"
        )
