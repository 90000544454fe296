"""Steps of a study beside its arms: the patchers that arms need, and the trivial rows."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from genomenet.locks import one_at_a_time
from genomenet.models.patcher import read_patcher
from genomenet.study.claim import held_out_windows
from genomenet.study.floors import trivial_floors
from genomenet.study.patchers import make_patchers
from genomenet.study.record import FLOORS, PREPARED, load_record, lock_file, read_study, save_record
from genomenet.study.results import Floor
from genomenet.training.inputs import open_data


@dataclass(frozen=True)
class Prepared:
    """What the arms may rely on: digests of the study's own patchers, by name."""

    patchers: dict[str, str]


@dataclass(frozen=True)
class Floors:
    """The trivial rows of a study."""

    rows: tuple[Floor, ...]


def prepare(folder: Path, say: Callable[[str], object]) -> None:
    """Train the entropy models and make the patchers of a study, unless that is done.

    Parameters
    ----------
    folder : Path
        The study's folder.
    say : callable
        Called with lines on what is being done.

    Raises
    ------
    UserError
        When the folder holds no study, or a patcher's target is out of reach.
    """
    record = read_study(folder)
    with one_at_a_time(
        lock_file(folder, "prepare"),
        lambda: say(f"waiting for another process that prepares {folder}"),
    ):
        if (folder / PREPARED).exists():
            return
        folders = make_patchers(record.config, folder, record.command, say)
        digests = {name: read_patcher(path).digest for name, path in folders.items()}
        save_record(Prepared(digests), folder / PREPARED)


def make_floors(folder: Path) -> None:
    """Score the trivial rows of a study, unless that is done.

    Raises
    ------
    UserError
        When the folder holds no study.
    """
    config = read_study(folder).config
    if (folder / FLOORS).exists():
        return
    rows: list[Floor] = []
    if config.markov_order >= 0:
        genome, splits = open_data(config.data)
        windows = held_out_windows(config, genome, splits)
        rows = trivial_floors(
            genome,
            splits.train,
            splits.valid,
            [windows.interval(i) for i in range(len(windows))],
            config.markov_order,
            both_strands=config.data.rc_aug,
        )
    save_record(Floors(tuple(rows)), folder / FLOORS)


def read_floors(folder: Path) -> tuple[Floor, ...]:
    """The trivial rows of a study.

    Raises
    ------
    UserError
        When they are not there yet.
    """
    return load_record(Floors, folder / FLOORS).rows
