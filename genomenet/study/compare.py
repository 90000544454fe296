"""Take all steps of a study on this machine, some of them side by side."""

import os
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path

import torch

from genomenet.study.arm import run_arm
from genomenet.study.arm_processes import ArmProcesses
from genomenet.study.claim import claim
from genomenet.study.config import StudyConfig
from genomenet.study.gather import gather
from genomenet.study.prepare import make_floors, prepare
from genomenet.study.record import run_folder, unfinished
from genomenet.study.results import Study
from genomenet.training.device import uses_gpu
from genomenet.training.inputs import open_data
from genomenet.training.tables import TRAIN_TABLE, read_table
from genomenet.windows.leak import leak_report

POLL_SECONDS = 1.0


def compare(
    config: StudyConfig,
    out: Path,
    command: str,
    jobs: int,
    tell: Callable[[dict[str, int]], object],
    say: Callable[[str], object] = lambda line: None,
    warn: Callable[[str], object] | None = None,
) -> Study:
    """Train, score and gather all arms; what is already done in `out` is not done again.

    Parameters
    ----------
    config : StudyConfig
        The study.
    out : Path
        Its folder; made when missing.
    command : str
        Recorded in the results.
    jobs : int
        Arms at a time; 0 is one a core, or one a GPU.
    tell : callable
        Called about once a second with the training steps done by each run.
    say : callable
        Called with lines on the splits and on the patchers, before the arms are trained.
    warn : callable
        Called in the processes of the arms, with a line when an arm's last checkpoint is not good
        and an older one is used; a function of a module. Nothing is told when left out.

    Raises
    ------
    UserError
        When the config or data can't work, or `out` holds another study.
    Stopped
        When SIGTERM or SIGUSR1 asked for it and the arms have saved what they had.
    """
    config = claim(config, out, command).config
    if unfinished(out):
        genome, splits = open_data(config.data)
        for line in leak_report(splits, genome).lines():
            say(line)
        prepare(out, say)
        _run_all(config, out, jobs, tell, warn or _say_nothing)
    return gather(out)


def arms_at_a_time(config: StudyConfig, jobs: int) -> tuple[int, int]:
    """How many arms run side by side on this machine, and how many threads each has.

    Parameters
    ----------
    config : StudyConfig
        The study.
    jobs : int
        What is asked for; 0 is one a core, or one a GPU.
    """
    cores = usable_cores()
    places = torch.cuda.device_count() if uses_gpu(config.train) else cores
    jobs = min(jobs or places, len(config.keys))
    return jobs, max(1, cores // jobs)


def _say_nothing(line: str) -> None:
    """For processes of arms: a function that can be sent to them."""


def _run_all(
    config: StudyConfig,
    out: Path,
    jobs: int,
    tell: Callable[[dict[str, int]], object],
    warn: Callable[[str], object],
) -> None:
    jobs, threads = arms_at_a_time(config, jobs)
    names = {f"{arm}-seed{seed}": (arm, seed) for arm, seed in config.keys}
    with ArmProcesses(jobs) as pool:
        # The longest arms first would pack better, but the order of the config is the one
        # people expect to see.
        pending: set[Future] = {
            pool.submit(run_arm, out, *key, threads, warn) for key in config.keys
        }
        pending.add(pool.submit(make_floors, out))
        while pending:
            done, pending = wait(pending, timeout=POLL_SECONDS)
            for future in done:
                future.result()
            tell({name: _steps_done(out, *key) for name, key in names.items()})


def _steps_done(out: Path, arm: str, seed: int) -> int:
    rows = read_table(run_folder(out, arm, seed) / TRAIN_TABLE)
    return int(rows[-1]["step"]) if rows else 0


def usable_cores() -> int:
    """Cores this process may run on: a scheduler or a container may grant fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
