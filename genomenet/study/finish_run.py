"""A run of a study, from wherever it stands to its end."""

from collections.abc import Callable
from pathlib import Path

from genomenet.training.config import RunConfig
from genomenet.training.record import RECORD, SUMMARY
from genomenet.training.run import resume, train


def finish_run(folder: Path, run: RunConfig, command: str, warn: Callable[[str], object]) -> None:
    """Train a run of a study, go on with one that was stopped, or leave it when it is done.

    A run's threads may be others than when it began, for cores may be shared out otherwise.
    """
    if (folder / SUMMARY).exists():
        return
    if (folder / RECORD).exists():
        resume(folder, progress=False, tell=warn)
        return
    train(run, folder, command, progress=False)
