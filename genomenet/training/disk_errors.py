"""A disk that is full or can't be written to, told as what it is, with the way on."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from genomenet.errors import UserError

_OF_WRITING = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
}


@contextlib.contextmanager
def disk_errors(run: Path) -> Iterator[None]:
    """Turn the system's errors of writing into one sentence.

    Parameters
    ----------
    run : Path
        The run directory that is written to.

    Raises
    ------
    UserError
        Naming the file, the reason, and how to go on.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _OF_WRITING:
            raise
        raise UserError(
            f"{error.filename or run} could not be written ({error.strerror}); what was saved "
            "before is whole: free space or mend the disk, then go on with "
            f"`genomenet resume {run}`"
        ) from error
