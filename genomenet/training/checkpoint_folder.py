"""A run's folder of checkpoints: written whole, with digests, and the newest good one found.

`index.json` lists for every checkpoint the digests that it may have. While one is replaced, that
is both the old one's and the new one's: wherever a process is killed, everything that bears a
checkpoint's name has a digest of the index.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genomenet.errors import UserError
from genomenet.files import remove_stale, scratch_folder, whole_file, whole_folder
from genomenet.training.checkpoint_index import (
    Entries,
    Entry,
    problem_of,
    read_index,
    write_index,
)
from genomenet.training.checkpoint_reading import step_of
from genomenet.training.digests import (
    DigestWriter,
    digest_of,
    drop_from_memory,
    save_tensors,
    size_of,
    sync,
)

LAST, PREVIOUS, BEST, BEFORE_DECAY = (
    "last.ckpt",
    "previous.ckpt",
    "best.ckpt",
    "before_decay.ckpt",
)
RESUMABLE = (LAST, PREVIOUS, BEFORE_DECAY)
"""What a run can go on from, the newest first."""


def kept_checkpoint(step: int) -> str:
    """Name of a checkpoint of the stable phase that stays."""
    return f"step-{step:08d}.ckpt"


@dataclass(frozen=True)
class ResumePoint:
    """A checkpoint to go on from.

    Attributes
    ----------
    path
        The file or folder.
    step
        Optimiser steps done.
    """

    path: Path
    step: int


class CheckpointFolder:
    """The checkpoints of one run.

    Parameters
    ----------
    folder : Path
        Where they are; made with the first of them.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._last_is_good = False  # as far as this object knows
        self._settled: Entries = {}

    def save(self, content: dict[str, Any], name: str) -> None:
        """Write a checkpoint whole, read it back, and only then let it take its name.

        A `last.ckpt` that is replaced stays as `previous.ckpt`. The content goes to the disk as
        it is serialised: it is never in memory as a second copy.

        Parameters
        ----------
        content : dict
            What torch.save takes; its `global_step` is recorded.
        name : str
            Name of the file.

        Raises
        ------
        OSError
            When the disk is full or can't be written to; older checkpoints are as before.
        UserError
            When the disk gives back other bytes than were written.
        """

        def take_over(unfinished: Path) -> None:
            drop_from_memory(unfinished)
            if digest_of(unfinished) != writer.digest:
                raise UserError(
                    f"{self.folder / name} reads back otherwise than it was written, so the one "
                    "before it was kept; have the disk checked, then go on with "
                    f"`genomenet resume {self.folder.parent}`"
                )
            step = int(content["global_step"])
            self._make_room(name, Entry(writer.digest, writer.size, step), unfinished)

        with whole_file(self.folder / name, "wb", before=take_over) as handle:
            writer = DigestWriter(handle)
            save_tensors(content, writer)
        self._settle(name)

    @contextmanager
    def new_folder(self, name: str, step: int) -> Iterator[Path]:
        """Yield an unfinished folder that becomes a checkpoint when the block ends well.

        Parameters
        ----------
        name : str
            Name of the folder.
        step : int
            Optimiser steps done.
        """

        def take_over(unfinished: Path) -> None:
            entry = Entry(digest_of(unfinished), size_of(unfinished), step)
            self._make_room(name, entry, unfinished)

        with whole_folder(self.folder / name, before=take_over) as unfinished:
            yield unfinished
        self._settle(name)

    def require(self, name: str) -> None:
        """Make sure that a checkpoint, if there, is what was saved.

        Raises
        ------
        UserError
            When it is not.
        """
        path = self.folder / name
        if path.exists() and (problem := problem_of(path)):
            raise UserError(f"{path} {problem}; use another checkpoint of the run, or restore it")

    def resume_point(self, tell: Callable[[str], object]) -> ResumePoint | None:
        """The newest good checkpoint; None where none was ever saved.

        Parameters
        ----------
        tell : callable
            Called with a line when the newest one was not good: what is wrong, and which step
            it goes on from.

        Raises
        ------
        UserError
            When there are checkpoints, and none is good.
        """
        if not self.folder.is_dir():
            return None
        remove_stale(self.folder.absolute())
        paths = [self.folder / name for name in RESUMABLE]
        problems = []
        for path in paths:
            if not path.exists():
                if path.name == LAST and LAST in read_index(self.folder):
                    problems.append(f"{path} is missing")
                continue
            problem, step = problem_of(path), None
            if problem is None:
                step = step_of(path)
            if step is not None:
                if problems:
                    tell(f"{'; '.join(problems)}: going on from {path.name} at step {step:,}")
                return ResumePoint(path, step)
            problems.append(f"{path} {problem or 'is not a readable checkpoint'}")
        if not any(path.exists() for path in paths):
            return None
        raise UserError(
            f"no checkpoint is left to go on from: {'; '.join(problems)}; restore one from a "
            f"backup, or delete {self.folder} to start over"
        )

    def drop_previous(self) -> None:
        """Free the room of `previous.ckpt`, which a finished run has no use for."""
        entries = read_index(self.folder)
        _remove(self.folder / PREVIOUS)
        if entries.pop(PREVIOUS, None) is not None:
            write_index(self.folder, entries)

    def _make_room(self, name: str, new: Entry, unfinished: Path) -> None:
        """Put the new entry beside the old ones, and move a good `last.ckpt` out of the way."""
        entries, path = read_index(self.folder), self.folder / name
        old = entries.get(name, [])
        self._settled = {**entries, name: [new]}
        entries[name] = [new, *old]
        # A damaged one must not push a good `previous.ckpt` out.
        moves = name == LAST and path.exists()
        moves = moves and (self._last_is_good or problem_of(path) is None)
        if moves and old:
            entries[PREVIOUS] = old + entries.get(PREVIOUS, [])
            self._settled[PREVIOUS] = old
        elif moves:  # from before there was an index: nothing is known of it
            entries.pop(PREVIOUS, None)
            self._settled.pop(PREVIOUS, None)
        write_index(self.folder, entries)
        if moves:
            if path.is_dir() or (self.folder / PREVIOUS).is_dir():
                _remove(self.folder / PREVIOUS)  # folders don't take each other's places
            path.replace(self.folder / PREVIOUS)
        elif path.is_dir() or unfinished.is_dir():
            _remove(path)

    def _settle(self, name: str) -> None:
        """Have the new names on the disk, and forget the digests of what has been replaced."""
        sync(self.folder)
        write_index(self.folder, self._settled)
        self._last_is_good |= name == LAST


def _remove(path: Path) -> None:
    """Remove a file or a folder, whole: what is left of a folder bears another name."""
    if path.is_dir():
        with scratch_folder(path) as scratch:
            path.replace(scratch / path.name)
    else:
        path.unlink(missing_ok=True)
