"""What digests the checkpoints of a folder may have."""

from dataclasses import asdict, dataclass
from pathlib import Path

from genomenet.errors import UserError
from genomenet.training.digests import digest_of, size_of
from genomenet.training.record import read_json, write_json

INDEX = "index.json"
FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """What the index says of a checkpoint.

    Attributes
    ----------
    sha256
        Digest of the file or folder.
    size_bytes
        Its size.
    step
        Optimiser steps done when it was saved.
    """

    sha256: str
    size_bytes: int
    step: int


Entries = dict[str, list[Entry]]
"""By name of a checkpoint; of several, the newest comes first."""


def read_index(folder: Path) -> Entries:
    """The index of a folder; empty where there is none.

    Raises
    ------
    UserError
        When it is broken.
    """
    path = folder / INDEX
    if not path.exists():
        return {}
    try:
        return {
            name: [Entry(**entry) for entry in entries]
            for name, entries in read_json(path)["checkpoints"].items()
        }
    except (KeyError, TypeError, AttributeError, UserError):
        raise UserError(
            f"{path} is not readable; restore it, or delete it to use the checkpoints beside it "
            "unverified"
        ) from None


def write_index(folder: Path, entries: Entries) -> None:
    """Write the index whole."""
    content = {name: [asdict(entry) for entry in known] for name, known in entries.items()}
    write_json(folder / INDEX, {"format": FORMAT, "checkpoints": content})


def problem_of(path: Path) -> str | None:
    """What is wrong with a checkpoint that exists, by its digest; None when nothing is.

    One that the index doesn't know, from before there was one, has no digest to be wrong.

    Parameters
    ----------
    path : Path
        A file or folder beside the index.
    """
    entries = read_index(path.parent).get(path.name, [])
    if not entries:
        return None
    size = size_of(path)
    if size < min(entry.size_bytes for entry in entries):
        return f"is cut short: it has {size:,} bytes of {entries[0].size_bytes:,}"
    if digest_of(path) not in {entry.sha256 for entry in entries}:
        return "is damaged: its SHA-256 is not the recorded one"
    return None
