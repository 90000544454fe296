"""Two processes train what one trains, whoever starts them and however they share the model."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from torch.multiprocessing import spawn

from genomenet.training.config import RunConfig
from genomenet.training.record import config_to_dict
from genomenet.training.run import resume, train
from genomenet.training.tables import read_table
from genomenet.training.weights import load_model

TOLERANCE = 1e-5
"""Of losses and weights, relative: sums of float32 in another order."""

MODELS = {
    "two stages": {"layout": "m1 + t1 + T1 + m1 + m1", "targets": [2, 3]},
    "experts within": {"layout": "m1 + E2 + m1", "experts": 3, "experts_per_position": 1},
}


def started_by_torchrun(rank: int, work, port: int, arguments: tuple) -> None:
    """What torchrun tells a process."""
    os.environ |= {
        "TORCHELASTIC_RUN_ID": "test", "RANK": str(rank), "LOCAL_RANK": str(rank),
        "GROUP_RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    torch.set_num_threads(1)
    work(*arguments)


def in_two_processes(work, *arguments) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spawn(started_by_torchrun, (work, port, arguments), nprocs=2)


def train_quietly(config: RunConfig, run: Path) -> None:
    train(config, run, "", progress=False)


def resume_quietly(run: Path, sharing: dict) -> None:
    resume(run, progress=False, sharing=sharing)


def shared(config: RunConfig, strategy: str, **train) -> RunConfig:
    return replace(config, train=replace(config.train, devices=2, strategy=strategy, **train))


def assert_alike(one: Path, other: Path, tolerance: float) -> None:
    for table in ("train.csv", "valid.csv"):
        rows, others = read_table(one / table), read_table(other / table)
        assert [row["step"] for row in rows] == [row["step"] for row in others]
        for row, same in zip(rows, others, strict=True):
            names = [n for n in row if not n.startswith("perf/") or n == "perf/flops_per_base"]
            for name in names:
                assert float(same[name]) == pytest.approx(float(row[name]), rel=tolerance), name
    weights = [load_model(run, "final")[0].state_dict() for run in (one, other)]
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, rtol=tolerance, atol=tolerance)


def leave_before_decay(run: Path) -> None:
    """What is there when a run is killed between its decay's begin and its end."""
    (run / "summary.json").unlink()
    kept = run / "checkpoints"
    for name in ("last.ckpt", "previous.ckpt", "index.json"):
        path = kept / name
        if path.is_dir():
            path.rename(kept / f"{name}.gone")
        else:
            path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def of_config(tmp_path_factory):
    return tmp_path_factory.mktemp("distributed")


@pytest.mark.parametrize(
    "model", ["two stages", pytest.param("experts within", marks=pytest.mark.slow)]
)
def test_the_command_starts_its_own_processes(make_config, tmp_path, model):
    config = make_config(model=MODELS[model], data={"soft_mask_weight": 0.5})
    train_quietly(config, tmp_path / "one")
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(config_to_dict(config)))
    command = [sys.executable, "-m", "genomenet", "train", "--config", str(tmp_path / "run.yaml")]
    two = tmp_path / "two"
    done = subprocess.run(
        [*command, "--train.devices", "2", "--out", str(two), "--quiet", "true"],
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    assert done.stdout.count("validation perplexity") == 1
    assert_alike(tmp_path / "one", two, TOLERANCE)


def test_sharded_runs_go_on_with_any_number_of_processes(make_config, tmp_path):
    config = make_config(model=MODELS["two stages"])
    alone, sharded = tmp_path / "alone", tmp_path / "sharded"
    train_quietly(config, alone)
    in_two_processes(train_quietly, shared(config, "fsdp"), sharded)
    assert_alike(alone, sharded, TOLERANCE)
    assert (sharded / "checkpoints/last.ckpt").is_dir()
    leave_before_decay(sharded)
    resume_quietly(sharded, {"devices": 1, "strategy": "ddp"})
    assert_alike(alone, sharded, TOLERANCE)
    assert (sharded / "checkpoints/last.ckpt").is_file()
    leave_before_decay(alone)
    in_two_processes(resume_quietly, alone, {"devices": 2, "strategy": "fsdp"})
    assert_alike(sharded, alone, TOLERANCE)
