"""How verbs that train end when a scheduler asks for it."""

import contextlib
from collections.abc import Iterator

from genomenet.errors import Stopped
from genomenet.training.config import TrainConfig
from genomenet.training.signals import StopAtOnce
from genomenet.training.strategy import cluster_environment, is_first_process


@contextlib.contextmanager
def stops_at_once(train: TrainConfig) -> Iterator[None]:
    """Let SIGTERM and SIGUSR1 end a command wherever it has nothing to save.

    The first process tells how the command ended. Others that train with it end well: whoever
    started them would take another exit code for a crash, and kill those that are still busy.

    Parameters
    ----------
    train : TrainConfig
        Who trains together.

    Raises
    ------
    Stopped
        In the first process.
    """
    try:
        with StopAtOnce("nothing is lost: run the same command again"):
            yield
    except Stopped:
        if is_first_process(cluster_environment(train)):
            raise
