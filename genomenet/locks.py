"""Locks on files that end with the process that holds them, in whatever way it ends."""

import errno
import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from genomenet.errors import UserError

NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)
"""What file systems without locks answer; nobody is kept out there."""


@contextmanager
def one_at_a_time(path: Path, waiting: Callable[[], object]) -> Iterator[None]:
    """Wait until no other process is within such a block for the same file, and keep them out.

    Parameters
    ----------
    path : Path
        The file that is locked; made when missing, its folder too, and left there.
    waiting : callable
        Called once when another process has to be waited for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        if not _lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
            waiting()
            _lock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def only_process(path: Path, refusal: str) -> Iterator[IO]:
    """Refuse to go on while another process is within such a block for the same file.

    Parameters
    ----------
    path : Path
        The file that is locked; made when missing, its folder too, and left there.
    refusal : str
        What is said then.

    Yields
    ------
    IO
        The locked file. A child that inherits it holds the lock, too, until it ends.

    Raises
    ------
    UserError
        When another process has the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        if not _lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
            raise UserError(refusal)
        yield handle


def try_lock(path: Path) -> IO | None:
    """Lock a file for as long as the handle that is returned lives; None when another has it.

    Parameters
    ----------
    path : Path
        The file that is locked; made when missing, and left there.
    """
    handle = path.open("a")
    if _lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
        return handle
    handle.close()
    return None


def _lock(handle: IO, how: int) -> bool:
    """Take a lock; False when another process has it."""
    try:
        fcntl.flock(handle, how)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    return True
