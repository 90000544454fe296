"""Locks keep other processes out, or let them wait, and end with the process that has them."""

import subprocess
import sys

import pytest

from genomenet.errors import UserError
from genomenet.locks import one_at_a_time, only_process

HOLD = """
import sys
from pathlib import Path
from genomenet.locks import one_at_a_time
with one_at_a_time(Path(sys.argv[1]), lambda: None):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path):
    """A file that another process has locked, and that process."""
    path = tmp_path / "locks" / "step"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield path, process
        process.kill()


def test_a_second_process_is_refused_until_the_first_is_killed(held):
    path, process = held
    with (
        pytest.raises(UserError, match="another process does it"),
        only_process(path, "another process does it"),
    ):
        pass
    process.kill()
    process.wait()
    with only_process(path, "another process does it"):
        pass


def test_a_second_process_waits_and_says_so(held):
    path, process = held
    told = []

    def waiting():
        told.append("waiting")
        process.kill()

    with one_at_a_time(path, waiting):
        assert process.wait() != 0
    assert told == ["waiting"]


def test_a_child_that_inherits_the_lock_holds_it(tmp_path):
    path = tmp_path / "workflow"
    with only_process(path, "taken") as handle:
        child = subprocess.Popen(["sleep", "60"], pass_fds=[handle.fileno()])
    with pytest.raises(UserError, match="taken"), only_process(path, "taken"):
        pass
    child.kill()
    child.wait()
    with only_process(path, "taken"):
        pass


def test_file_systems_without_locks_keep_nobody_out(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with only_process(tmp_path / "a", "taken"), one_at_a_time(tmp_path / "a", pytest.fail):
        pass
