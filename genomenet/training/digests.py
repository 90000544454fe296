"""Tensors on the disk: written without a copy in memory, with SHA-256 digests, and synced."""

import hashlib
import os
from pathlib import Path
from typing import IO, Any, cast

import torch

_AT_ONCE_BYTES = 1 << 20


class DigestWriter:
    """Passes bytes on to a file and takes their digest on the way.

    Parameters
    ----------
    handle : IO of bytes
        Where they go.

    Attributes
    ----------
    error : OSError or None
        Why writing failed: torch tells of failed writes without the reason.
    size : int
        Bytes written.
    """

    def __init__(self, handle: IO[bytes]):
        self._handle = handle
        self._hasher = hashlib.sha256()
        self.error: OSError | None = None
        self.size = 0

    def write(self, content: bytes | memoryview) -> int:
        """Write all of `content`."""
        try:
            written = self._handle.write(content)
        except OSError as error:
            self.error = error
            raise
        self._hasher.update(content)
        self.size += written
        return written

    def flush(self) -> None:
        """Hand everything to the system."""
        self._handle.flush()

    @property
    def digest(self) -> str:
        """SHA-256 of what was written so far, in hexadecimal."""
        return self._hasher.hexdigest()


def digest_of(path: Path) -> str:
    """SHA-256 of a file, or of the sorted list of a folder's files with their sizes and digests.

    Parameters
    ----------
    path : Path
        A file or a folder.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if one.is_file())
        lines = "".join(
            f"{digest_of(one)} {one.stat().st_size} {one.relative_to(path).as_posix()}\n"
            for one in files
        )
        return hashlib.sha256(lines.encode()).hexdigest()
    hasher = hashlib.sha256()
    with path.open("rb") as handle:
        while content := handle.read(_AT_ONCE_BYTES):
            hasher.update(content)
    return hasher.hexdigest()


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    if path.is_dir():
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    return path.stat().st_size


def save_tensors(content: Any, writer: DigestWriter) -> None:
    """Serialise to a file, with nothing but the file to hold the whole of it.

    Raises
    ------
    OSError
        When the disk is full or can't be written to.
    """
    try:
        torch.save(content, cast(IO[bytes], writer))
    except RuntimeError:
        if writer.error is None:
            raise
        raise writer.error from None


def save_synced(content: Any, path: Path) -> None:
    """Serialise to a new file, and wait until it is on the disk.

    Raises
    ------
    OSError
        When the disk is full or can't be written to.
    """
    with path.open("wb") as handle:
        save_tensors(content, DigestWriter(handle))
        handle.flush()
        os.fsync(handle.fileno())


def sync(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, as its files are."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop_from_memory(path: Path) -> None:
    """Ask the system to forget its copy of a synced file, so that the next read is of the disk."""
    if not hasattr(os, "posix_fadvise"):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
