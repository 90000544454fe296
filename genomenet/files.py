"""Files and folders that appear whole or not at all."""

import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

_PID_NAMESPACE = Path("/proc/self/ns/pid")


@contextmanager
def whole_file(
    path: str | Path, mode: str = "w", before: Callable[[Path], object] = lambda unfinished: None
) -> Iterator[IO]:
    """Open a temporary file beside `path` and rename it to `path` when the block ends well.

    Parameters
    ----------
    path : str or Path
        Final name; its folder is made when missing.
    mode : {"w", "wb"}
        Text (UTF-8) or bytes.
    before : callable
        Called with the temporary file when all of it is on the disk, before it is renamed.

    Raises
    ------
    OSError
        When the disk is full or can't be written to; the error names `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(path.parent.absolute())
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path))
    try:
        with os.fdopen(descriptor, mode, encoding=None if "b" in mode else "utf-8") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        before(Path(temporary))
        Path(temporary).replace(path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename is None:
            error.filename = str(path)  # a write that fails says why, but not where
        raise


@contextmanager
def whole_folder(
    path: str | Path, before: Callable[[Path], object] = lambda unfinished: None
) -> Iterator[Path]:
    """Yield a temporary folder beside `path` and rename it to `path` when the block ends well.

    Parameters
    ----------
    path : str or Path
        Final name; must not exist yet (an empty folder may).
    before : callable
        Called with the temporary folder when it is complete, before it is renamed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(path) as temporary:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o777 & ~umask)
        before(temporary)
        temporary.replace(path)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`, which goes when the block ends.

    Parameters
    ----------
    path : Path
        What is being made there; its folder must exist.
    """
    remove_stale(path.parent.absolute())
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=_prefix(path)))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@cache
def remove_stale(folder: Path) -> None:
    """Remove what killed processes of this machine left unfinished in `folder`.

    Each process looks once. Nobody mistakes an unfinished file or folder, whose name begins with
    a dot, for the whole one; but it takes up as much room.
    """
    for found in folder.iterdir():
        match = re.fullmatch(r"\..+\.(\d{1,7})-([0-9a-f]{8})\.\w{8}", found.name)
        if match is None or match[2] != _machine() or _runs(int(match[1])):
            continue
        if found.is_dir():
            shutil.rmtree(found, ignore_errors=True)
        else:
            # It may be another user's, or another process tidies up just now.
            with suppress(OSError):
                found.unlink()


def _prefix(path: Path) -> str:
    """How the name of an unfinished `path` begins: with what it becomes, and whose it is."""
    return f".{path.name}.{os.getpid()}-{_machine()}."


@cache
def _machine() -> str:
    """Eight digits for where the number of a process means that process.

    That is the machine, or the container: a folder may be shared with others.
    """
    namespace = _PID_NAMESPACE.readlink() if _PID_NAMESPACE.exists() else ""
    return f"{zlib.crc32(f'{os.uname().nodename} {namespace}'.encode()):08x}"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's
    return True
