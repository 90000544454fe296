"""A study that a scheduler stops: arms save, the command exits with 75, and goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genomenet.errors import Stopped
from genomenet.study.arm_processes import ArmProcesses
from genomenet.training.checkpoint_reading import load_checkpoint
from genomenet.training.tables import read_table

STUDY = """
data: {mock: true, max_length: 128, split: {block_bp: 5000}}
train: {max_steps: 300, global_batch_size: 2, valid_every: 150, valid_windows: 2, accelerator: cpu}
markov_order: -1
test_windows: 4
arms:
  mamba2: {layout: M1, d_model: 16, head_dim: 8, d_state: 8, mamba_head_dim: 16}
  transformer: {layout: T1, d_model: 16, head_dim: 8}
"""


def rows(run: Path) -> list[int]:
    return [int(row["step"]) for row in read_table(run / "train.csv")]


def compare(folder: Path) -> subprocess.Popen:
    words = ["compare", "--config", str(folder / "study.yaml"), "--jobs", "2", "--quiet"]
    return subprocess.Popen(
        [sys.executable, "-m", "genomenet.cli.main", *words, "--out", str(folder / "study")],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "to_all"),
    [(signal.SIGTERM, False), (signal.SIGUSR1, True)],
)
def test_a_stopped_study_saves_its_arms_and_goes_on(tmp_path, number, to_all):
    """Schedulers signal either the first process or all of them."""
    (tmp_path / "study.yaml").write_text(STUDY)
    study = compare(tmp_path)
    runs = [tmp_path / "study/runs" / f"{arm}-seed0" for arm in ("mamba2", "transformer")]
    while not all(rows(run) for run in runs):
        assert study.poll() is None, study.stderr.read()
        time.sleep(0.02)
    if to_all:
        os.killpg(study.pid, number)
    else:
        study.send_signal(number)
    _, said = study.communicate(timeout=600)
    assert study.returncode == 75, said
    assert said.splitlines()[-1].startswith(f"genomenet: stopped by {number.name}")
    assert "Traceback" not in said
    stopped_at = []
    for run in runs:
        if (run / "summary.json").exists():
            continue  # it was quicker than the signal
        stopped_at.append(load_checkpoint(run / "checkpoints/last.ckpt")["global_step"])
        assert rows(run) == list(range(1, stopped_at[-1] + 1))
    assert stopped_at, "an arm was stopped on its way"
    study = compare(tmp_path)
    _, said = study.communicate(timeout=600)
    assert study.returncode == 0, said
    for run in runs:
        assert rows(run) == list(range(1, 301))
    assert (tmp_path / "study/results.json").exists()


def sleep_until_stopped(folder: Path) -> None:
    """A task that has nothing to save, as an evaluation."""
    (folder / str(os.getpid())).touch()
    time.sleep(3600)


def leave_a_mark(folder: Path) -> None:
    (folder / "begun").touch()


def begin_more_than_fits(folder: Path, error: type[BaseException]) -> None:
    with ArmProcesses(2) as pool:
        for task in [sleep_until_stopped] * 2 + [leave_a_mark] * 4:
            pool.submit(task, folder)
        while len(list(folder.iterdir())) < 2:
            time.sleep(0.02)
        raise error


@pytest.mark.parametrize("error", [Stopped, ValueError])
def test_no_process_is_left_and_no_arm_begins(tmp_path, error):
    with pytest.raises(error):
        begin_more_than_fits(tmp_path, error)
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert len(pids) == 2, "none of the tasks that waited has begun"
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
