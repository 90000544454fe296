"""A run of a study, from wherever it stands to its end."""

import shutil
from pathlib import Path

from genomenet.training.config import RunConfig
from genomenet.training.record import PATCHER, RECORD, SUMMARY
from genomenet.training.run import resume, train


def finish_run(folder: Path, run: RunConfig, command: str) -> None:
    """Train a run of a study, go on with one that was stopped, or leave it when it is done."""
    if (folder / SUMMARY).exists():
        return
    if (folder / RECORD).exists():
        resume(folder, progress=False)
        return
    # Killed before it began, a run leaves no more than a copy of its patcher.
    shutil.rmtree(folder / PATCHER, ignore_errors=True)
    train(run, folder, command, progress=False)
