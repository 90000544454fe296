"""Who started the processes, and what is said when their number is another."""

import pytest
from lightning.pytorch.plugins.environments import (
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy

from genomenet.errors import UserError
from genomenet.training.config import TrainConfig
from genomenet.training.sharding import ShardedStrategy
from genomenet.training.strategy import cluster_environment, is_first_process, make_strategy

TWO = TrainConfig(devices=2, accelerator="cpu")
TORCHRUN = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2"}
SRUN = {"SLURM_STEP_ID": "0", "SLURM_NTASKS": "2", "SLURM_JOB_ID": "7"}


def test_who_started_the_processes():
    assert isinstance(cluster_environment(TWO, TORCHRUN), TorchElasticEnvironment)
    slurm = cluster_environment(TWO, SRUN)
    assert isinstance(slurm, SLURMEnvironment)
    assert not slurm.auto_requeue
    assert isinstance(cluster_environment(TWO, {}), LightningEnvironment)


def test_the_shell_of_a_batch_job_and_a_lone_task_start_their_own():
    batch = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "2"}
    assert isinstance(cluster_environment(TWO, batch), LightningEnvironment)
    lone = {**SRUN, "SLURM_NTASKS": "1"}
    assert isinstance(cluster_environment(TWO, lone), LightningEnvironment)


@pytest.mark.parametrize(("environ", "says"), [(TORCHRUN, "torchrun"), (SRUN, "srun")])
def test_another_number_of_processes_is_refused(environ, says):
    with pytest.raises(UserError, match=rf"{says} started 2 processes.*is 3; make them agree"):
        cluster_environment(TrainConfig(devices=3, accelerator="cpu"), environ)


def test_the_first_process_is_known_before_the_others_are_met(monkeypatch):
    environment = LightningEnvironment()
    assert is_first_process(environment)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert not is_first_process(environment)
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("NODE_RANK", "1")
    assert not is_first_process(environment)


def test_strategies():
    assert isinstance(make_strategy(TrainConfig(accelerator="cpu")), SingleDeviceStrategy)
    assert isinstance(make_strategy(TWO), DDPStrategy)
    sharded = TrainConfig(devices=2, accelerator="cpu", strategy="fsdp")
    assert isinstance(make_strategy(sharded), ShardedStrategy)


@pytest.mark.parametrize(
    ("train", "says"),
    [
        ({"devices": 3}, r"global_batch_size 4 can't be shared evenly by 3 devices"),
        ({"devices": 2, "micro_batch_size": 1}, "micro_batch_size 1 can't be shared"),
        ({"devices": 0}, r"train.devices is 0"),
    ],
)
def test_batches_that_devices_cannot_share(make_config, train, says):
    with pytest.raises(UserError, match=says):
        make_config(**train).check()
