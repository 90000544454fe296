"""The same command again and again until a run is finished, as schedulers requeue it."""

from collections.abc import Callable
from pathlib import Path

from genomenet.training.claim import require_same
from genomenet.training.config import RunConfig
from genomenet.training.record import RECORD, SUMMARY
from genomenet.training.run import TrainingSummary, resume, train
from genomenet.training.strategy import cluster_environment, is_first_process


def train_or_resume(
    config: RunConfig,
    out: Path,
    command: str,
    progress: bool = True,
    tell: Callable[[str], object] = lambda line: None,
    warn: Callable[[str], object] = lambda line: None,
) -> TrainingSummary | None:
    """Train where there is no run yet, go on where it was stopped, do nothing when it is finished.

    Parameters
    ----------
    config : RunConfig
        The run.
    out : Path
        The run directory.
    command : str
        Recorded as the command that made it.
    progress : bool
        Show a progress bar.
    tell : callable
        Called with lines on the splits before training starts.
    warn : callable
        Called with a line when the last checkpoint is not good and an older one is used.

    Returns
    -------
    TrainingSummary or None
        How it ended; None when it had ended before, which is told, and in all processes but the
        first.

    Raises
    ------
    UserError
        When `out` holds another run, or for the reasons of `train` and `resume`.
    Stopped
        When SIGTERM or SIGUSR1 asked for it.
    """
    if not (out / RECORD).exists():
        return train(config, out, command, progress, tell)
    require_same(out, config)
    if (out / SUMMARY).exists():
        if is_first_process(cluster_environment(config.train)):
            tell(f"{out} is finished already; next: genomenet evaluate {out}")
        return None
    return resume(out, progress, tell=warn)
