"""One process at a time in a recipe's folder, which clears away what killed ones left behind."""

import fcntl
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genomenet.errors import UserError
from genomenet.locks import NO_LOCKS

_LOCK = ".lock"
_ABANDONED = re.compile(r"\..+\.[a-z0-9_]{8}")
"""What `genomenet.files` calls a file or folder that is not whole yet."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder, and delete unfinished files in it.

    Downloads that have not ended stay: they go on from where they are. On file systems without
    locks nobody is kept out, and nothing is deleted.

    Raises
    ------
    UserError
        When another process works in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another process is fetching into {folder}; wait until it has ended"
            ) from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
        else:
            _clear(folder)
        yield


def _clear(folder: Path) -> None:
    for path in [path for path in folder.rglob(".*") if _ABANDONED.fullmatch(path.name)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
