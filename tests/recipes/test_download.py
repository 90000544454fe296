"""Many files at once, files in place, progress, and full disks."""

import errno
import fcntl
import hashlib
import os
import re
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.recipes.download import RemoteFile, download
from tests.recipes.server import Fault

DATA = np.random.default_rng(1).bytes(1_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
MD5 = hashlib.md5(DATA).hexdigest()


def some_files(server, folder, n=6):
    """Files of different content and length."""
    blobs = [bytes([i]) * (50_000 + 30_000 * i) for i in range(n)]
    return blobs, [
        RemoteFile(server.put(f"{i}.fa", blob), folder / f"{i}.fa") for i, blob in enumerate(blobs)
    ]


@pytest.mark.parametrize("parallel", [1, 4, 50])
def test_files_come_back_in_order(parallel, server, tmp_path):
    blobs, files = some_files(server, tmp_path / "to")
    done = download(files, parallel=parallel)
    assert [fetched.path for fetched in done] == [file.path for file in files]
    assert [fetched.path.read_bytes() for fetched in done] == blobs
    assert [fetched.sha256 for fetched in done] == [hashlib.sha256(b).hexdigest() for b in blobs]
    assert len(list((tmp_path / "to").iterdir())) == 6


def test_files_are_fetched_at_the_same_time(server, tmp_path):
    _, files = some_files(server, tmp_path, 3)
    for page in server.pages.values():
        page.faults = [Fault(send=10, end="stall")]
    threading.Thread(target=awake_after_requests, args=(server, 3), daemon=True).start()
    download(files, parallel=3, pause=lambda seconds: None)


def awake_after_requests(server, n):
    while len(server.requests) < n:
        time.sleep(0.01)
    server.awake.set()


def test_nothing_to_fetch_and_too_few_at_a_time(tmp_path):
    assert download([]) == []
    with pytest.raises(UserError, match="0 downloads at a time is too few"):
        download([], parallel=0)


def test_one_failure_lets_the_others_finish(server, tmp_path):
    blobs, files = some_files(server, tmp_path)
    del server.pages["/1.fa"], server.pages["/4.fa"]
    with pytest.raises(UserError, match=r"1\.fa: .* 404 .* \(also failed: 4\.fa\)$"):
        download(files, parallel=2)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["0.fa", "2.fa", "3.fa", "5.fa"]
    assert (tmp_path / "5.fa").read_bytes() == blobs[5]


def test_two_urls_for_one_place(server, tmp_path):
    files = [RemoteFile(f"{server.url}/{name}", tmp_path / "x.fa") for name in ("a", "b")]
    with pytest.raises(UserError, match=r"x\.fa: .*/a and .*/b would both land there"):
        download(files)


def test_the_same_file_twice_is_fetched_once(server, tmp_path):
    file = RemoteFile(server.put("x.fa", DATA, later=Fault(slow_s=0.01)), tmp_path / "x.fa")
    done = download([file, file], parallel=2)
    assert sorted(fetched.downloaded for fetched in done) == [False, True]
    assert len(server.requests) == 1
    assert (tmp_path / "x.fa").read_bytes() == DATA


def test_progress_tells_bytes_and_total(server, tmp_path):
    told = []
    url = server.put("x.fa", DATA, Fault(send=1 << 17))
    file = RemoteFile(url, tmp_path / "x.fa")
    download([file], progress=lambda *words: told.append(words), pause=lambda seconds: None)
    assert {words[0] for words in told} == {file}
    assert {words[2] for words in told} == {1_000_000}
    sizes = [words[1] for words in told]
    assert sizes == sorted(sizes), "a resumed file starts where it broke"
    assert (sizes[0], sizes[-1]) == (0, 1_000_000)

    told.clear()
    chunked = RemoteFile(server.put("y.fa", DATA, later=Fault(framing="chunked")), tmp_path / "y")
    download([chunked], progress=lambda *words: told.append(words))
    assert told[-1] == (chunked, 1_000_000, None)


def test_error_in_the_progress_callback_is_raised(server, tmp_path):
    def progress(*words):
        raise RuntimeError("broken bar")

    with pytest.raises(RuntimeError, match="broken bar"):
        download([RemoteFile(server.put("x.fa", DATA), tmp_path / "x.fa")], progress=progress)
    assert not (tmp_path / "x.fa").exists()


@pytest.mark.parametrize("published", [{}, {"size_bytes": len(DATA)}, {"md5": MD5.upper()}])
def test_file_in_place_is_only_verified(published, server, tmp_path):
    (tmp_path / "x.fa").write_bytes(DATA)
    [done] = download([RemoteFile(f"{server.url}/x.fa", tmp_path / "x.fa", **published)])
    assert (done.downloaded, done.size_bytes, done.sha256) == (False, len(DATA), SHA256)
    assert done.md5 == (MD5 if "md5" in published else None)
    assert server.requests == []


@pytest.mark.parametrize(
    ("published", "words"),
    [
        ({"size_bytes": 5}, "the size is 1,000,000 bytes, but 5 are expected"),
        ({"sha256": "0" * 64}, f"the sha256 is {SHA256}, but {'0' * 64} is expected"),
        ({"md5": "0" * 32}, f"the md5 is {MD5}, but {'0' * 32} is expected"),
    ],
)
def test_wrong_file_in_place_is_left_and_told(published, words, server, tmp_path):
    path = tmp_path / "x.fa"
    path.write_bytes(DATA)
    with pytest.raises(UserError, match=rf"{path}: {words} of {server.url}/x\.fa; delete the file"):
        download([RemoteFile(f"{server.url}/x.fa", path, **published)])
    assert path.read_bytes() == DATA
    assert server.requests == []


def test_folder_in_place(server, tmp_path):
    (tmp_path / "x.fa").mkdir()
    with pytest.raises(UserError, match="there is something that is no file"):
        download([RemoteFile(server.put("x.fa", DATA), tmp_path / "x.fa")])


def test_target_below_a_file(server, tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "x.fa"
    with pytest.raises(UserError, match=f"{path}: cannot be written .*choose a folder in which"):
        download([RemoteFile(server.put("x.fa", DATA), path)])


def test_read_only_target(server, tmp_path, monkeypatch):
    def refuse(*words):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    # Root may write everywhere, so permissions would prove nothing here.
    monkeypatch.setattr("genomenet.recipes.partial._open", refuse)
    with pytest.raises(UserError, match=r"Read-only file system.*; choose a folder in which"):
        download([RemoteFile(server.put("x.fa", DATA), tmp_path / "x.fa")])


def test_full_disk_keeps_what_arrived(server, tmp_path):
    file = RemoteFile(server.put("x.fa", DATA), tmp_path / "x.fa", sha256=SHA256)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A limit of the file size fails in the middle of a write, as a full disk does.
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        with pytest.raises(
            UserError, match=r"\.x\.fa\.part: cannot be written .*; free some space"
        ):
            download([file])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / ".x.fa.part").read_bytes() == DATA[:500_000]
    download([file])
    assert (tmp_path / "x.fa").read_bytes() == DATA
    assert server.ranges == [None, "bytes=500000-"]


def test_disk_without_locks(server, tmp_path, monkeypatch):
    def refuse(*words):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", refuse)
    url = server.put("x.fa", DATA, Fault(send=1 << 17))
    download([RemoteFile(url, tmp_path / "x.fa")], pause=lambda seconds: None)
    assert (tmp_path / "x.fa").read_bytes() == DATA
    assert server.ranges == [None, "bytes=131072-"]
    server.put("y.fa", DATA, later=Fault(send=10))
    with pytest.raises(UserError, match="gave up after 1 try; try again later"):
        download([RemoteFile(f"{server.url}/y.fa", tmp_path / "y.fa")], retries=0)
    # What no later process can take up is not left behind.
    assert [path.name for path in tmp_path.iterdir()] == ["x.fa"]


def test_importing_is_quick_and_leaves_the_network_library_out():
    words = "import sys, genomenet.recipes.download; sys.exit('requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], check=False).returncode == 0


def test_every_error_names_what_to_do(server, tmp_path):
    with pytest.raises(UserError) as error:
        download([RemoteFile(f"{server.url}/x.fa", Path(tmp_path) / "x.fa")])
    assert re.search("; look whether the file has moved or needs permission", str(error.value))
