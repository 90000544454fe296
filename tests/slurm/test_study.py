"""A study on Slurm, preempted, requeued and with its node taken away, ends as if left alone."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import torch

from tests.slurm.conftest import ROOT

pytestmark = pytest.mark.slurm

PATIENCE_SECONDS = 1800
ARMS = ("grid-seed0", "hnet-seed0")


@contextmanager
def start(study_file, out, environment, *more):
    """A workflow, which does not outlive the block."""
    words = ["study", "run", str(study_file), "--out", str(out), *more]
    process = subprocess.Popen(
        [sys.executable, "-m", "genomenet.cli.main", *words],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def on_slurm(study_file, out, slurm):
    """The shipped profile, told to ask for less memory and to look after jobs more often."""
    return start(
        study_file, out, slurm.environment, "--profile", "slurm", "--",
        "--set-resources", "arm:mem_mb=1500", "prepare:mem_mb=1500",
        "--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2",
        "--latency-wait", "5",
    )  # fmt: skip


class Watch:
    """Waits for what a running workflow does."""

    def __init__(self, process, out):
        self.process, self.out = process, out

    def until(self, condition, what):
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert self.process.poll() is None, f"the workflow ended before {what}"
            assert time.monotonic() < end, f"no sign of {what}"
            time.sleep(0.2)

    def checkpoints(self):
        """When each arm last wrote one; 0 for an arm that has not."""
        paths = [self.out / "runs" / arm / "checkpoints" / "last.ckpt" for arm in ARMS]
        return [path.stat().st_mtime_ns if path.exists() else 0 for path in paths]

    def progress(self, what):
        """Until both arms, which run, have written another checkpoint."""
        before = self.checkpoints()
        assert not any((self.out / "runs" / arm / "summary.json").exists() for arm in ARMS), (
            f"an arm was done before {what}: give it more steps"
        )
        self.until(
            lambda: all(new > old for new, old in zip(self.checkpoints(), before, strict=True)),
            what,
        )


def results_without_times(folder):
    content = json.loads((folder / "results.json").read_text())
    for run in content["runs"]:
        assert run.pop("bases_per_second") > 0
    return {key: value for key, value in content.items() if key not in {"created", "command"}}


def weights(folder, arm):
    path = folder / "runs" / arm / "checkpoints" / "last.ckpt"
    return torch.load(path, weights_only=True)["state_dict"]


def test_nothing_that_happens_changes_the_result(slurm, study_file, tmp_path):
    alone = tmp_path / "alone"
    words = ["--profile", "local", "--jobs", "2", "--", "--set-threads", "arm=1"]
    with start(study_file, alone, os.environ, *words) as process:
        assert process.wait(PATIENCE_SECONDS) == 0

    out = tmp_path / "disturbed"
    with on_slurm(study_file, out, slurm) as process:
        disturb(slurm, Watch(process, out), tmp_path)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert results_without_times(out) == results_without_times(alone)
    for arm in ARMS:
        mine, theirs = weights(out, arm), weights(alone, arm)
        assert list(mine) == list(theirs)
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def disturb(slurm, watch, tmp_path):
    watch.progress("the first checkpoints")
    first = slurm.jobs("RUNNING", "arm")
    assert len(first) == 2

    urgent = slurm.run(
        "sbatch", "--parsable", "--partition=urgent", "--cpus-per-task=2", "--mem=100",
        f"--output={tmp_path}/urgent.log", "--wrap=sleep 2",
    )  # fmt: skip
    watch.until(lambda: urgent in slurm.jobs("COMPLETED"), "the urgent job")
    watch.progress("checkpoints after the preemption")

    arms = slurm.jobs("RUNNING", "arm")
    for one in arms:
        slurm.run("scontrol", "requeue", one)
    watch.until(lambda: not set(arms) & set(slurm.jobs("RUNNING")), "the end of requeued jobs")
    watch.progress("checkpoints after the requeue")

    slurm.run("scontrol", "update", "nodename=node", "state=drain", "reason=test")
    watch.until(lambda: slurm.node_state() == "draining", "a draining node")
    slurm.run("scontrol", "update", "nodename=node", "state=down", "reason=test")
    watch.until(lambda: not slurm.jobs("RUNNING", "arm"), "the jobs of a node that is down")
    slurm.run("scontrol", "update", "nodename=node", "state=resume")
    watch.progress("checkpoints after the node came back")
