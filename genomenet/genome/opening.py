"""Open a user's file, compressed or not, and say in one sentence why it cannot be read."""

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, cast

from genomenet.errors import UserError

GZIP_MAGIC = b"\x1f\x8b"
_OTHER_COMPRESSION = {
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"PK\x03\x04": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
}


class Hasher(Protocol):
    """What `hashlib` objects offer and the readers here need."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""

    def hexdigest(self) -> str:
        """Return the digest of what was taken in."""


class _HashedFile(io.RawIOBase):
    """A file read once, front to back, that feeds every byte to a hasher on the way."""

    def __init__(self, raw: IO[bytes], hasher: Hasher) -> None:
        self._raw = raw
        self._hasher = hasher

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self._hasher.update(data)
        return data

    def readable(self) -> bool:
        return True


@contextmanager
def open_bytes(path: str | Path, hasher: Hasher | None = None) -> Iterator[IO[bytes]]:
    """Open `path` for reading its uncompressed bytes; gzip and bgzip are told by their magic.

    Parameters
    ----------
    path : str or Path
        The file.
    hasher : Hasher, optional
        Fed with the file's bytes as they are on disk, to its very end when the block ends well.

    Raises
    ------
    UserError
        Missing, a folder, not permitted, compressed otherwise, or broken off in the middle.
    """
    path = Path(path)
    with _open_raw(path) as raw:
        magic = raw.read(6)
        raw.seek(0)
        for signature, name in _OTHER_COMPRESSION.items():
            if magic.startswith(signature):
                raise UserError(
                    f"{path} is compressed with {name}, which cannot be read; "
                    "decompress it or recompress it with gzip"
                )
        source: IO[bytes] = raw if hasher is None else cast("IO[bytes]", _HashedFile(raw, hasher))
        try:
            if magic.startswith(GZIP_MAGIC):
                with gzip.GzipFile(fileobj=source, mode="rb") as stream:
                    yield cast("IO[bytes]", stream)
            else:
                yield source
        except EOFError:
            raise UserError(
                f"{path} breaks off in the middle of its gzip data; copy or download it again"
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise UserError(
                f"{path} holds damaged gzip data ({error}); copy or download it again"
            ) from None
        while hasher is not None and source.read(1 << 20):
            pass


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file as it is on disk; raises as `open_bytes` does."""
    hasher = hashlib.sha256()
    with open_bytes(path, hasher):
        pass  # leaving the block reads the file to its end
    return hasher.hexdigest()


def _open_raw(path: Path) -> IO[bytes]:
    if path.is_dir():
        raise UserError(f"{path} is a folder, but a file is needed here")
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; check the path") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def text_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Stream the lines of a text file (plain or gzip), numbered from 1, without their line ends.

    Raises
    ------
    UserError
        As `open_bytes`, and when the file is not text.
    """
    with open_bytes(path) as stream:
        # TextIOWrapper takes any buffered byte stream; the type of GzipFile does not say so.
        text = io.TextIOWrapper(cast("Any", stream), encoding="utf-8", newline=None)
        try:
            for number, line in enumerate(text, start=1):
                if "\0" in line:
                    raise UserError(f"{path}: line {number}: the file is not text")
                yield number, line.rstrip("\n")
        except UnicodeDecodeError:
            raise UserError(f"{path} is not a text file (UTF-8)") from None
        finally:
            text.detach()


def read_table(path: Path, format_version: int, missing: str, remedy: str) -> dict[str, Any]:
    """Read the JSON table that a folder of ours is opened by.

    Parameters
    ----------
    path : Path
        The table.
    format_version : int
        What its `format_version` must be.
    missing : str
        The error when there is none.
    remedy : str
        What to do about one that can't be used.

    Raises
    ------
    UserError
        Missing, damaged, or of another format version.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(missing) from None
    except ValueError:
        raise UserError(f"{path} is damaged; {remedy}") from None
    version = table.get("format_version") if isinstance(table, dict) else None
    if version != format_version:
        raise UserError(
            f"{path} has format version {version}, but this genomenet reads {format_version}; "
            f"{remedy}"
        )
    return table
