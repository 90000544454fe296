"""Digests of files while they are written, and of folders."""

import hashlib
import io

from genomenet.training.digests import DigestWriter, digest_of, size_of


def test_a_file_is_digested_while_it_is_written(tmp_path):
    handle = io.BytesIO()
    writer = DigestWriter(handle)
    for part in (b"ACGT", memoryview(b"NN"), b""):
        writer.write(part)
    assert handle.getvalue() == b"ACGTNN"
    assert writer.size == 6
    (tmp_path / "file").write_bytes(b"ACGTNN")
    assert writer.digest == digest_of(tmp_path / "file") == hashlib.sha256(b"ACGTNN").hexdigest()
    assert size_of(tmp_path / "file") == 6


def test_a_folder_has_another_digest_when_anything_in_it_changes(tmp_path):
    def folder(name, **parts):
        for part, text in parts.items():
            path = tmp_path / name / part.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / name

    whole = {"a": "one", "shards__0": "two", "shards__1": ""}
    first = folder("first", **whole)
    assert digest_of(first) == digest_of(folder("again", **dict(reversed(whole.items()))))
    assert size_of(first) == 6
    others = [
        folder("text", **{**whole, "a": "eno"}),
        folder("less", a="one", shards__0="two"),
        folder("name", b="one", shards__0="two", shards__1=""),
        folder("moved", a="one", shards__0="", shards__1="two"),
    ]
    assert len({digest_of(path) for path in (first, *others)}) == 5
