"""Files taken from a folder instead of from a server."""

import hashlib

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.recipes.download import RemoteFile, download

DATA = np.random.default_rng(1).bytes(1_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


def offline_files(tmp_path):
    offline = tmp_path / "offline"
    offline.mkdir()
    (offline / "x.fa").write_bytes(DATA)
    (offline / "of-the-url.gtf").write_bytes(DATA[:100])
    url = "http://host.invalid/a"
    return offline, [
        RemoteFile(f"{url}/other.fa", tmp_path / "to" / "x.fa", sha256=SHA256),
        RemoteFile(f"{url}/of-the-url.gtf?key=1", tmp_path / "to" / "x.gtf"),
    ]


def test_offline_folder(tmp_path):
    offline, files = offline_files(tmp_path)
    done = download(files, offline_dir=offline)
    assert [fetched.downloaded for fetched in done] == [False, False]
    assert (tmp_path / "to" / "x.fa").read_bytes() == DATA
    assert (tmp_path / "to" / "x.gtf").read_bytes() == DATA[:100]
    assert not (tmp_path / "to" / "x.fa").samefile(offline / "x.fa")
    assert len(list((tmp_path / "to").iterdir())) == 2


def test_offline_names_all_that_is_missing(tmp_path):
    offline, files = offline_files(tmp_path)
    more = [RemoteFile(f"http://host.invalid/{n}", tmp_path / "to" / n) for n in ("p.fa", "q.fa")]
    words = r"2 of 4 files are missing.*: p\.fa \(http://host.invalid/p\.fa\), q\.fa \("
    with pytest.raises(UserError, match=words):
        download([*files, *more], offline_dir=offline)
    assert not (tmp_path / "to").exists()
    with pytest.raises(UserError, match="nowhere: no such folder"):
        download(files, offline_dir=tmp_path / "nowhere")


def test_offline_file_that_is_wrong(tmp_path):
    offline, files = offline_files(tmp_path)
    (offline / "x.fa").write_bytes(DATA[:-1])
    with pytest.raises(UserError, match=rf"{offline}/x\.fa: the sha256 is .*put the right file"):
        download(files, offline_dir=offline)
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["x.gtf"]
    assert (offline / "x.fa").read_bytes() == DATA[:-1]


def test_offline_does_not_ask_for_what_is_in_place(tmp_path):
    offline, files = offline_files(tmp_path)
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "x.fa").write_bytes(DATA)
    (offline / "x.fa").unlink()
    assert [fetched.downloaded for fetched in download(files, offline_dir=offline)] == [False] * 2
