"""Checkpoints written whole, with digests: what killing, damage and full disks leave of them."""

import errno
import hashlib
import json
import os
import shutil
import signal
import sys
import traceback

import pytest
import torch

from genomenet import files
from genomenet.errors import UserError
from genomenet.training import checkpoint_folder
from genomenet.training.checkpoint_folder import CheckpointFolder
from genomenet.training.checkpoint_index import problem_of
from genomenet.training.checkpoint_reading import load_checkpoint
from genomenet.training.shards import write_shards

EVENTS = {"open", "os.chmod", "os.mkdir", "os.remove", "os.rename"}
"""What Python tells auditors of: all that a save does to a file system but writing and syncing."""


def content(step: int) -> dict:
    return {"global_step": step, "state_dict": {"weight": torch.full((2000,), float(step))}}


def saved(path, *steps: int) -> CheckpointFolder:
    folder = CheckpointFolder(path)
    for step in steps:
        folder.save(content(step), "last.ckpt")
    return folder


def saved_as_folders(path, *steps: int) -> CheckpointFolder:
    """As ranks that share a model do it, though by one rank."""
    folder = CheckpointFolder(path)
    for step in steps:
        with folder.new_folder("last.ckpt", step) as unfinished:
            write_shards(content(step), unfinished, 0, 1, lambda: None)
    return folder


def step_in(path) -> int:
    state = load_checkpoint(path)
    step = state["global_step"]
    assert torch.equal(state["state_dict"]["weight"], torch.full((2000,), float(step)))
    return step


def files_of(path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in path.iterdir()}


def test_the_index_knows_every_file(tmp_path):
    folder = saved(tmp_path, 3, 6, 9)
    folder.save(content(6), "best.ckpt")
    assert {one.name for one in tmp_path.iterdir()} == {
        "last.ckpt", "previous.ckpt", "best.ckpt", "index.json",
    }  # fmt: skip
    index = json.loads((tmp_path / "index.json").read_text())
    for name, step in (("last.ckpt", 9), ("previous.ckpt", 6), ("best.ckpt", 6)):
        whole = (tmp_path / name).read_bytes()
        assert step_in(tmp_path / name) == step
        assert index["checkpoints"][name] == [
            {"sha256": hashlib.sha256(whole).hexdigest(), "size_bytes": len(whole), "step": step}
        ]
        assert problem_of(tmp_path / name) is None
    told = []
    point = CheckpointFolder(tmp_path).resume_point(told.append)
    assert (point.path, point.step, told) == (tmp_path / "last.ckpt", 9, [])
    folder.drop_previous()
    assert not (tmp_path / "previous.ckpt").exists()
    assert "previous.ckpt" not in json.loads((tmp_path / "index.json").read_text())["checkpoints"]


def test_without_checkpoints_a_run_starts_over(tmp_path):
    assert CheckpointFolder(tmp_path / "none").resume_point(print) is None
    assert CheckpointFolder(tmp_path).resume_point(print) is None


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path):
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (cut, "is cut short"),
        (flip, "SHA-256"),
        (empty, "it has 0 bytes of"),
        (os.remove, "is missing"),
    ],
)
def test_a_bad_last_falls_back_to_the_one_before(tmp_path, damage, says):
    saved(tmp_path, 3, 6)
    damage(tmp_path / "last.ckpt")
    told = []
    point = CheckpointFolder(tmp_path).resume_point(told.append)
    assert (point.path.name, point.step) == ("previous.ckpt", 3)
    assert len(told) == 1
    assert says in told[0]
    assert str(tmp_path / "last.ckpt") in told[0]
    assert told[0].endswith("going on from previous.ckpt at step 3")
    # The bad one must not take the good one's place, not even for a moment.
    saved(tmp_path, 4)
    assert step_in(tmp_path / "last.ckpt") == 4
    assert step_in(tmp_path / "previous.ckpt") == 3
    assert problem_of(tmp_path / "previous.ckpt") is None


def test_none_good_is_one_sentence(tmp_path):
    folder = saved(tmp_path, 3, 6)
    folder.save(content(2), "before_decay.ckpt")
    for name in ("last.ckpt", "previous.ckpt"):
        flip(tmp_path / name)
    told = []
    assert CheckpointFolder(tmp_path).resume_point(told.append).path.name == "before_decay.ckpt"
    assert "last.ckpt is damaged" in told[0]
    assert "previous.ckpt is damaged" in told[0]
    cut(tmp_path / "before_decay.ckpt")
    with pytest.raises(UserError, match=r"no checkpoint is left to go on from: .*delete") as error:
        CheckpointFolder(tmp_path).resume_point(told.append)
    assert all(name in str(error.value) for name in checkpoint_folder.RESUMABLE)
    with pytest.raises(UserError, match=r"before_decay.ckpt is cut short"):
        folder.require("before_decay.ckpt")


def test_a_damaged_index_is_one_sentence(tmp_path):
    saved(tmp_path, 3)
    for text in ("{", "[]", '{"checkpoints": {"last.ckpt": [{"sha": 1}]}}', '{"checkpoints": 5}'):
        (tmp_path / "index.json").write_text(text)
        with pytest.raises(UserError, match=r"index.json is not readable"):
            CheckpointFolder(tmp_path).resume_point(print)


def test_checkpoints_from_before_there_was_an_index_are_used(tmp_path):
    torch.save(content(5), tmp_path / "last.ckpt")
    assert CheckpointFolder(tmp_path).resume_point(print).step == 5
    saved(tmp_path, 8)
    assert step_in(tmp_path / "previous.ckpt") == 5
    (tmp_path / "index.json").unlink()
    for name in ("last.ckpt", "previous.ckpt"):
        cut(tmp_path / name)
    with pytest.raises(UserError, match="is not a readable checkpoint"):
        CheckpointFolder(tmp_path).resume_point(print)


def die_at(event_number: int, path, save) -> int:
    """Save in a child that is killed just before an event; its exit status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        seen = 0

        def audit(event: str, _arguments) -> None:
            nonlocal seen
            if event in EVENTS:
                seen += 1
                if seen == event_number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(audit)
        files.remove_stale.cache_clear()
        save(path, 9)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


@pytest.mark.parametrize("before", [(), (3,), (3, 6)])
@pytest.mark.parametrize(
    ("save_before", "save"),
    [(saved, saved), (saved_as_folders, saved_as_folders), (saved, saved_as_folders),
     (saved_as_folders, saved)],
)  # fmt: skip
def test_killed_between_any_two_changes_a_good_checkpoint_is_left(
    tmp_path, before, save_before, save
):
    save_before(tmp_path / "start", *before)
    (tmp_path / "start").mkdir(exist_ok=True)
    for number in range(1, 200):
        path = tmp_path / str(number)
        shutil.copytree(tmp_path / "start", path)
        status = die_at(number, path, save)
        point = CheckpointFolder(path).resume_point(lambda line: None)
        step = point.step if point else 0
        assert step in {max(before, default=0), 9}, number
        if point:
            assert step_in(point.path) == step
        for name in ("last.ckpt", "previous.ckpt"):
            assert not (path / name).exists() or problem_of(path / name) is None
        # And the run goes on from there.
        files.remove_stale.cache_clear()
        save(path, 12)
        assert step_in(path / "last.ckpt") == 12
        assert not before or step_in(path / "previous.ckpt") == (step or max(before))
        assert [one.name for one in path.iterdir() if one.name.startswith(".")] == []
        if status == 0:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
    assert status == 0
    assert number > 10, "there are many events to be killed at"


class FullDisk:
    """A file on a disk that has room for so many bytes."""

    def __init__(self, handle, room: int):
        self._handle = handle
        self._room = room

    def write(self, some) -> int:
        self._room -= len(some)
        if self._room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._handle.write(some)

    def __getattr__(self, name):
        return getattr(self._handle, name)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._handle.close()


@pytest.mark.parametrize("name", ["last.ckpt", "best.ckpt"])
@pytest.mark.parametrize("room", [0, 1, 1000, 8500, 9000])
def test_a_full_disk_loses_nothing(tmp_path, monkeypatch, room, name):
    folder = saved(tmp_path, 3, 6)
    folder.save(content(3), "best.ckpt")
    before = files_of(tmp_path)
    original = os.fdopen
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdopen", lambda *a, **k: FullDisk(original(*a, **k), room))
        with pytest.raises(OSError, match="No space left on device") as error:
            folder.save(content(9), name)
    assert error.value.errno == errno.ENOSPC
    assert error.value.filename == str(tmp_path / name)
    assert files_of(tmp_path) == before
    folder.save(content(9), name)
    assert step_in(tmp_path / name) == 9


def test_no_room_for_the_index_loses_nothing(tmp_path, monkeypatch):
    folder = saved(tmp_path, 3, 6)
    before = files_of(tmp_path)

    def full(folder, entries):
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_folder, "write_index", full)
        with pytest.raises(OSError, match="No space left"):
            folder.save(content(9), "last.ckpt")
    assert files_of(tmp_path) == before


def test_what_reads_back_otherwise_does_not_replace_anything(tmp_path, monkeypatch):
    folder = saved(tmp_path, 3)
    before = files_of(tmp_path)
    monkeypatch.setattr(checkpoint_folder, "drop_from_memory", flip)
    with pytest.raises(UserError, match="reads back otherwise"):
        folder.save(content(9), "last.ckpt")
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("damage", [cut, flip, os.remove])
def test_a_folder_is_damaged_when_one_of_its_files_is(tmp_path, damage):
    folder = saved_as_folders(tmp_path, 3, 6)
    folder.require("last.ckpt")
    damage(next((tmp_path / "last.ckpt").glob("shard-*")))
    with pytest.raises(UserError, match=r"last.ckpt is (cut short|damaged)"):
        folder.require("last.ckpt")
    told = []
    point = CheckpointFolder(tmp_path).resume_point(told.append)
    assert (point.path, point.step, len(told)) == (tmp_path / "previous.ckpt", 3, 1)
    saved(tmp_path, 9)  # by a process that shares with nobody
    assert step_in(tmp_path / "last.ckpt") == 9
    assert step_in(tmp_path / "previous.ckpt") == 3


def test_files_and_folders_take_each_others_places(tmp_path):
    folder = CheckpointFolder(tmp_path)
    for step in range(1, 7):
        if step in {2, 3, 5}:
            with folder.new_folder("best.ckpt", step) as unfinished:
                write_shards(content(step), unfinished, 0, 1, lambda: None)
        else:
            folder.save(content(step), "best.ckpt")
        assert step_in(tmp_path / "best.ckpt") == step
        folder.require("best.ckpt")
    saved(tmp_path, 3)
    cut(tmp_path / "last.ckpt")
    saved_as_folders(tmp_path, 6)  # a damaged file does not stand in its way
    assert step_in(tmp_path / "last.ckpt") == 6
