"""Take files from a folder instead of from a server."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from genomenet.errors import UserError
from genomenet.recipes.partial import Partial, Version
from genomenet.recipes.remote import BLOCK_BYTES, RemoteFile
from genomenet.recipes.transfer import url_name


def offline_source(file: RemoteFile, folder: Path) -> Path | None:
    """Where in the folder the file lies, by the name of its target or of its URL."""
    for name in (file.path.name, url_name(file.url)):
        if name and (folder / name).is_file():
            return folder / name
    return None


def check_offline(files: Sequence[RemoteFile], folder: Path) -> None:
    """Raise, with all their names, if files are neither in place nor in the folder."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder to take files from; correct the name")
    missing = [
        f"{file.path.name} ({file.url})"
        for file in files
        if not file.path.exists() and not offline_source(file, folder)
    ]
    if missing:
        raise UserError(
            f"{folder}: {len(missing)} of {len(files)} files are missing; fetch them elsewhere and "
            f"put them there: {', '.join(missing)}"
        )


def copy_in(source: Path, partial: Partial, report: Callable[[int, int | None], None]) -> None:
    """Copy a file to `partial`; a copy, since a link would follow later changes of the source."""
    try:
        with source.open("rb") as handle:
            size_bytes = os.fstat(handle.fileno()).st_size
            partial.restart(Version(str(source), size_bytes=size_bytes))
            while block := handle.read(BLOCK_BYTES):
                partial.append(block)
                report(partial.size_bytes, size_bytes)
    except OSError as error:
        raise UserError(f"{source}: cannot be read ({error.strerror}); make it readable") from None
