"""The batch files in pipelines/slurm do what they say, requeued in the middle, on one node."""

import json
import subprocess
import time

import pytest
import torch
import yaml

from genomenet.study.workflow import pipeline_folder

pytestmark = pytest.mark.slurm

FILES = pipeline_folder() / "slurm"
PATIENCE_SECONDS = 900
SMALL = ["--cpus-per-task=1", "--mem=1500"]
WORDS = [
    "--data.mock", "--data.max_length", "128", "--model.layout", "M1", "--model.d_model", "16",
    "--model.d_state", "8", "--model.mamba_head_dim", "16", "--train.max_steps", "300",
    "--train.global_batch_size", "4", "--train.micro_batch_size", "4", "--train.valid_windows", "4",
    "--train.checkpoint_every", "10", "--train.accelerator", "cpu", "--train.threads", "1",
]  # fmt: skip


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"no sign of {what}"
        time.sleep(0.2)


def state(slurm, job):
    """Such as PENDING, RUNNING or COMPLETED; of all elements of an array."""
    return set(
        slurm.run("squeue", "--noheader", "--array", "--states=all", "--job", job, "--format=%T")
        .split()
    )  # fmt: skip


def requeue_when(slurm, job, path):
    """Take a job back to the queue as soon as a file is there."""
    wait_for(path.exists, path)
    slurm.run("scontrol", "requeue", job)


def ends_well(slurm, job):
    wait_for(lambda: state(slurm, job) & {"COMPLETED", "FAILED", "CANCELLED"}, f"the end of {job}")
    assert state(slurm, job) == {"COMPLETED"}


def send(slurm, tmp_path, name, *words):
    return slurm.run("sbatch", "--parsable", f"--output={tmp_path}/{name}.log", *SMALL, *words)


def test_a_training_requeued_and_the_same_on_two_tasks(slurm, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    job = send(slurm, tmp_path, "one", str(FILES / "train.sbatch"), str(one), *WORDS)
    requeue_when(slurm, job, one / "checkpoints" / "last.ckpt")
    ends_well(slurm, job)
    job = send(
        slurm, tmp_path, "two", "--nodes=1", "--ntasks-per-node=2", "--gpus-per-node=0",
        str(FILES / "train-nodes.sbatch"), str(two), *WORDS,
    )  # fmt: skip
    requeue_when(slurm, job, two / "checkpoints" / "last.ckpt")
    ends_well(slurm, job)
    found = []
    for run in (one, two):
        assert json.loads((run / "summary.json").read_text())["step"] == 300
        checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
        found.append(checkpoint["state_dict"])
    for name, weights in found[0].items():
        torch.testing.assert_close(found[1][name], weights, rtol=1e-3, atol=1e-4)


def test_a_study_as_an_array(slurm, study_file, tmp_path):
    study = yaml.safe_load(study_file.read_text())
    study["train"]["max_steps"] = 300
    study["train"]["checkpoint_every"] = 10
    study_file.write_text(yaml.safe_dump(study))
    folder = tmp_path / "study"
    done = subprocess.run(
        ["bash", str(FILES / "submit_study.sh"), str(study_file), str(folder), *SMALL],
        env=slurm.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    words = done.stdout.splitlines()[-1].split()
    arms, gather = words[words.index("(arms") - 1], words[words.index("(gather)") - 1]
    requeue_when(slurm, f"{arms}_1", folder / "runs" / "hnet-seed0" / "checkpoints" / "last.ckpt")
    ends_well(slurm, gather)
    results = json.loads((folder / "results.json").read_text())
    assert [run["arm"] for run in results["runs"]] == ["grid", "hnet"]
    assert (folder / "report.html").is_file()
    assert (folder / "logs" / "arm-1.log").is_file()
