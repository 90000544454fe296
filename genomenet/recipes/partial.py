"""Data on its way to a file: locked, resumable, and renamed to its final name only when whole."""

import errno
import fcntl
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from genomenet.errors import UserError
from genomenet.locks import NO_LOCKS
from genomenet.recipes.remote import BLOCK_BYTES, Digests

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Version:
    """What tells one version of a remote file from another.

    Attributes
    ----------
    url : str
        Where the data comes from.
    etag : str
        The strong ETag, or empty: a weak one does not promise equal bytes.
    last_modified : str
        The Last-Modified header, or empty.
    size_bytes : int or None
        Size of the whole file, if the server told it.
    """

    url: str
    etag: str = ""
    last_modified: str = ""
    size_bytes: int | None = None

    @property
    def validator(self) -> str:
        """What If-Range may hold; empty if the server told nothing."""
        return self.etag or self.last_modified

    def agrees(self, other: "Version") -> bool:
        """Whether nothing that both tell differs."""
        mine, theirs = asdict(self), asdict(other)
        return all(mine[key] in ("", None, theirs[key]) or not theirs[key] for key in mine)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an error of the disk into a `UserError` that names `path`."""
    try:
        yield
    except OSError as error:
        advice = (
            "free some space and run again to go on"
            if error.errno in FULL
            else "choose a folder in which you may write"
        )
        raise UserError(f"{path}: cannot be written ({error.strerror}); {advice}") from None


class Partial:
    """Data that has arrived for `target`; made by `claim`, which locks it.

    The data lies in `.NAME.part` beside the target, what is known of its version in
    `.NAME.part.json`. Bytes are written unbuffered and only ever at the end, so a killed process
    leaves a prefix of the remote file, from which the next one goes on.

    Attributes
    ----------
    version : Version or None
        Version that the data belongs to; None when there is no data.
    digests : Digests
        Size and checksums of the data.
    lasting : bool
        Whether a later process can take up the data; where the disk has no locks, it can't.
    """

    def __init__(self, target: Path, path: Path, handle, url: str, with_md5: bool, lasting: bool):
        self.target = target
        self.path = path
        self.lasting = lasting
        self.sidecar = path.with_name(path.name + ".json")
        self._handle = handle
        self._with_md5 = with_md5
        self.digests = Digests(with_md5)
        self.version = self._read_sidecar()
        if self.version is None or self.version.url != url:
            self.restart(None)
        else:
            while block := handle.read(BLOCK_BYTES):
                self.digests.update(block)

    @property
    def size_bytes(self) -> int:
        """Bytes that have arrived."""
        return self.digests.size_bytes

    def _read_sidecar(self) -> Version | None:
        try:
            return Version(**json.loads(self.sidecar.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            # Never written, or half written when the process was killed: then there is no data yet.
            return None

    def restart(self, version: Version | None) -> None:
        """Drop the data; what comes next belongs to `version`."""
        with writing(self.path):
            # In this order, so that data never lies beside the sidecar of another version. The
            # sidecar need not appear whole: there is nothing to resume until it is complete.
            self._handle.seek(0)
            self._handle.truncate()
            self.digests = Digests(self._with_md5)
            self.version = version
            if version is not None:
                self.sidecar.write_text(json.dumps(asdict(version)) + "\n", encoding="utf-8")

    def append(self, data: bytes) -> None:
        """Write the next bytes."""
        rest = memoryview(data)
        with writing(self.path):
            while rest:
                rest = rest[self._handle.write(rest) :]
        self.digests.update(data)

    def finish(self) -> None:
        """Give the data its final name; the caller has verified it."""
        with writing(self.target):
            os.fsync(self._handle.fileno())
            self.sidecar.unlink(missing_ok=True)
            self.path.replace(self.target)
            folder = os.open(self.target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def discard(self) -> None:
        """Delete the data."""
        with writing(self.path):
            self.sidecar.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)


@contextmanager
def claim(
    target: Path, url: str, with_md5: bool, waiting: Callable[[int], None]
) -> Iterator[Partial]:
    """The partial data for `target`, while no other process or thread has it.

    Parameters
    ----------
    target : Path
        Final name.
    url : str
        Where the data comes from; data from elsewhere is dropped.
    with_md5 : bool
        Whether to compute MD5 beside SHA-256.
    waiting : callable
        Called over and over with the bytes that another process has fetched so far, as long as
        that one holds the lock; it should wait a little, and may raise.
    """
    path = target.with_name(f".{target.name}.part")
    lasting = True
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with writing(path):
            handle = _open(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            size_bytes = os.fstat(handle.fileno()).st_size
            handle.close()
            waiting(size_bytes)
            continue
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            # Without locks each process has data of its own, which no later one can take up.
            handle.close()
            path.unlink(missing_ok=True)
            lasting = False
            path = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
            handle = _open(path)
        if _is_at(handle, path):
            break
        # The holder before us has renamed or deleted what we have just locked.
        handle.close()
    with handle:
        partial = Partial(target, path, handle, url, with_md5, lasting)
        try:
            yield partial
        finally:
            if partial.size_bytes == 0 or not lasting:
                partial.discard()


def _is_at(handle, path: Path) -> bool:
    """Whether the open file is the one that `path` names."""
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _open(path: Path):
    """Open for reading and writing without a buffer; made if missing, never truncated."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
