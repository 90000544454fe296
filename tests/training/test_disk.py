"""Full disks, folders that can't be written to and damaged checkpoints, as they are told."""

import ctypes
import errno
import os
import resource
from functools import partial
from pathlib import Path

import pytest

from genomenet.errors import UserError
from genomenet.training.checkpoint_folder import CheckpointFolder
from genomenet.training.disk_errors import disk_errors
from genomenet.training.events import EventLogger
from genomenet.training.run import resume, train
from genomenet.training.tables import TableLogger
from tests.training.kills import differences
from tests.training.processes import Done
from tests.training.processes import run as command

SMALL = [
    "--data.mock", "--model.layout", "m1 + T1 + m1", "--model.d_model", "32", "--model.head_dim",
    "8", "--model.d_state", "8", "--model.mamba_head_dim", "16", "--data.max_length", "128",
    "--train.max_steps", "6", "--train.valid_every", "4", "--train.checkpoint_every", "2",
    "--train.valid_windows", "4", "--train.threads", "1", "--train.accelerator", "cpu", "--quiet",
]  # fmt: skip


def one_line(done: Done) -> str:
    lines = done.err.splitlines()
    assert done.code == 2, done.err
    assert len(lines) == 1, done.err
    assert lines[0].startswith("genomenet: ")
    return lines[0]


def unfinished(run: Path) -> list[Path]:
    return [path for path in run.rglob(".*") if path.is_file()]


def test_a_checkpoint_that_does_not_fit(tmp_path):
    """A limit on the size of files fails a write in the middle, as a full disk does."""
    run, whole = tmp_path / "run", tmp_path / "whole"
    assert command(["train", *SMALL, "--out", str(whole)]).code == 0
    size = (whole / "checkpoints/last.ckpt").stat().st_size

    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size // 2, size // 2))
    line = one_line(command(["train", *SMALL, "--out", str(run)], limit))
    assert f"{run}/checkpoints/last.ckpt could not be written (File too large)" in line
    assert f"go on with `genomenet resume {run}`" in line
    assert unfinished(run) == []
    assert list((run / "checkpoints").iterdir()) == []
    assert command(["resume", "--quiet", str(run)]).code == 0
    assert differences(whole, run) == []


def as_a_common_user() -> None:
    """Take from root what lets it write anywhere; of a common user there is nothing to take."""
    if os.geteuid() == 0:
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)())


def test_a_folder_that_can_not_be_written_to(tmp_path):
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked").chmod(0o555)
    run = tmp_path / "locked" / "run"
    line = one_line(command(["train", *SMALL, "--out", str(run)], as_a_common_user))
    assert "Permission denied" in line
    assert str(run) in line
    run = tmp_path / "run"
    assert command(["train", *SMALL, "--out", str(run)]).code == 0
    (run / "summary.json").unlink()
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for folder in (run / "checkpoints", run):
        folder.chmod(0o555)
    line = one_line(command(["resume", "--quiet", str(run)], as_a_common_user))
    assert "Permission denied" in line
    assert str(run) in line
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for folder in (run, run / "checkpoints"):
        folder.chmod(0o755)
    assert command(["resume", "--quiet", str(run)]).code == 0


def test_a_damaged_checkpoint(tmp_path):
    run, whole = tmp_path / "run", tmp_path / "whole"
    for folder in (run, whole):
        assert command(["train", *SMALL, "--out", str(folder)]).code == 0
    (run / "summary.json").unlink()
    last = run / "checkpoints/last.ckpt"
    # before_decay.ckpt is of step 5, the best one can go on from without previous.ckpt.
    content = last.read_bytes()
    last.write_bytes(content[:-10])
    line = one_line(command(["evaluate", str(run)]))
    assert f"{last} is cut short: it has {len(content) - 10:,} bytes of {len(content):,}" in line
    done = command(["resume", "--quiet", str(run)])
    assert done.code == 0
    assert done.err == (
        f"genomenet: {last} is cut short: it has {len(content) - 10:,} bytes of {len(content):,}: "
        "going on from before_decay.ckpt at step 5\n"
    )
    assert differences(whole, run) == []
    (run / "summary.json").unlink()
    for path in (run / "checkpoints").glob("*.ckpt"):
        path.write_bytes(b"")
    line = one_line(command(["resume", "--quiet", str(run)]))
    assert "no checkpoint is left to go on from" in line


def full(path: Path):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


@pytest.mark.parametrize(
    ("logger", "method", "name"),
    [(TableLogger, "log_metrics", "train.csv"), (EventLogger, "_append", "tensorboard")],
)
def test_no_room_for_metrics(make_config, tmp_path, monkeypatch, logger, method, name):
    config = make_config(checkpoint_every=2)
    train(config, tmp_path / "whole", "", progress=False)
    run = tmp_path / "run"
    original, calls = getattr(logger, method), []

    def fills_up(self, *arguments, **named):
        calls.append(arguments)
        if len(calls) == 5:
            full(run / name)
        return original(self, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(logger, method, fills_up)
        with pytest.raises(UserError, match=rf"{name} could not be written \(No space left on"):
            train(config, run, "", progress=False)
    assert unfinished(run) == []
    resume(run, progress=False)
    assert differences(tmp_path / "whole", run) == []


def test_a_full_device_is_told_by_the_points_file(tmp_path):
    """/dev/full takes nothing, whoever asks."""
    logger = EventLogger(tmp_path)
    logger.__dict__["_path"] = Path("/dev/full")
    with pytest.raises(UserError, match="No space left on device"), disk_errors(tmp_path):
        logger.log_metrics({"train/loss": 1.0}, step=0)


def test_a_checkpoint_in_the_background_that_does_not_fit(make_config, tmp_path, monkeypatch):
    config = make_config(checkpoint_every=2, async_checkpoints=True)
    train(config, tmp_path / "whole", "", progress=False)
    run, calls = tmp_path / "run", []
    original = CheckpointFolder.save

    def fills_up(self, content, name):
        calls.append(name)
        if len(calls) == 3:
            full(self.folder / name)
        return original(self, content, name)

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointFolder, "save", fills_up)
        with pytest.raises(UserError, match="No space left on device"):
            train(config, run, "", progress=False)
    assert not (run / "summary.json").exists()
    resume(run, progress=False)
    assert differences(tmp_path / "whole", run) == []


def test_other_errors_of_the_system_are_not_the_disk(tmp_path):
    with pytest.raises(FileNotFoundError), disk_errors(tmp_path):
        (tmp_path / "none").read_text()
