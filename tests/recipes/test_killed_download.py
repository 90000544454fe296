"""Killed, interrupted and simultaneous processes leave no wrong file."""

import hashlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from genomenet.recipes.download import RemoteFile, download
from tests.recipes.server import Fault

DATA = np.random.default_rng(1).bytes(1_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


SCRIPT = """
import signal, sys
from pathlib import Path
from genomenet.recipes.download import RemoteFile, download
# A process that a shell has started in the background ignores interrupts otherwise.
signal.signal(signal.SIGINT, signal.default_int_handler)
[done] = download([RemoteFile(sys.argv[1], Path(sys.argv[2]))])
print(done.downloaded)
"""


def start(url, path):
    """Download in a process of its own."""
    words = [sys.executable, "-c", SCRIPT, url, str(path)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(path, n_bytes):
    """Wait until so much has arrived."""
    deadline = time.monotonic() + 30
    while not path.exists() or path.stat().st_size < n_bytes:
        assert time.monotonic() < deadline, f"{path} does not grow"
        time.sleep(0.01)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_killed_download_leaves_only_what_the_next_takes_up(how, server, tmp_path):
    path, part = tmp_path / "x.fa", tmp_path / ".x.fa.part"
    # Stalls after half of it: an interrupt must not wait for a silent server.
    url = server.put("x.fa", DATA, Fault(send=1 << 19, end="stall"))
    process = start(url, path)
    wait_for(part, 1 << 19)
    process.send_signal(how)
    begun = time.monotonic()
    _, errors = process.communicate(timeout=20)
    assert time.monotonic() - begun < 5
    assert process.returncode != 0
    assert ("KeyboardInterrupt" in errors) == (how == signal.SIGINT)
    assert sorted(file.name for file in tmp_path.iterdir()) == [".x.fa.part", ".x.fa.part.json"]
    assert part.read_bytes() == DATA[: 1 << 19]
    [done] = download([RemoteFile(url, path, sha256=SHA256)])
    assert done.downloaded
    assert path.read_bytes() == DATA
    assert server.ranges == [None, f"bytes={1 << 19}-"]
    assert [file.name for file in tmp_path.iterdir()] == ["x.fa"]


def test_two_processes_fetch_one_file_once(server, tmp_path):
    path = tmp_path / "x.fa"
    url = server.put("x.fa", DATA, Fault(send=1 << 18, end="stall"))
    first = start(url, path)
    wait_for(tmp_path / ".x.fa.part", 1 << 18)
    told = []

    def progress(file, have, total):
        told.append(have)
        server.awake.set()

    [done] = download([RemoteFile(url, path)], progress=progress)
    out, errors = first.communicate(timeout=20)
    assert (out, done.downloaded) == ("True\n", False), errors
    assert server.ranges == [None, f"bytes={1 << 18}-"]
    assert path.read_bytes() == DATA
    assert [file.name for file in tmp_path.iterdir()] == ["x.fa"]
    # While it waits, it tells how far the other is.
    assert told[0] == 1 << 18


def test_the_second_process_takes_over_from_a_killed_one(server, tmp_path):
    path = tmp_path / "x.fa"
    url = server.put("x.fa", DATA, Fault(send=1 << 18, end="stall"))
    first = start(url, path)
    wait_for(tmp_path / ".x.fa.part", 1 << 18)
    [done] = download([RemoteFile(url, path)], progress=lambda *words: first.kill())
    first.communicate(timeout=20)
    assert done.downloaded
    assert path.read_bytes() == DATA
    assert server.ranges == [None, f"bytes={1 << 18}-"]


def test_kills_at_any_moment_never_leave_a_wrong_file(server, tmp_path):
    path = tmp_path / "x.fa"
    url = server.put("x.fa", DATA, later=Fault(slow_s=0.01))
    for delay_s in (0.1, 0.15, 0.2, 0.25, 0.3, 0.35):
        process = start(url, path)
        time.sleep(delay_s)
        process.kill()
        process.communicate(timeout=20)
        assert not path.exists() or path.read_bytes() == DATA
    [done] = download([RemoteFile(url, path)])
    assert done.sha256 == SHA256
    assert [file.name for file in tmp_path.iterdir()] == ["x.fa"]
