"""The record in a study's folder: what the study is, and what all of its steps share."""

import dataclasses
import json
from dataclasses import dataclass, replace
from pathlib import Path

from genomenet.errors import UserError, nearest
from genomenet.files import whole_file
from genomenet.json_records import from_plain, to_plain
from genomenet.study.config import StudyConfig
from genomenet.study.results import Example, GenomeRecord, SplitRecord
from genomenet.study.sweep import among
from genomenet.training.record import RECORD, read_json

STUDY = "study.json"
PREPARED = "prepared.json"
FLOORS = "floors.json"
ARM = "arm.json"
"""What each step leaves in the study's folder, and an arm's in the folder of its run."""

FORMAT = 1


@dataclass(frozen=True)
class StudyRecord:
    """Everything that is settled before the first step.

    Attributes
    ----------
    config : StudyConfig
        With absolute paths, and arms for presets and sweeps.
    digest : str
        Of the genome.
    patchers : dict of str to str
        Digests of the patchers that arms take from elsewhere, by arm.
    created, command : str
        When the study was begun, and how.
    versions : dict of str to str
        Of what decides over results.
    genome, splits : GenomeRecord, SplitRecord
        What the arms share.
    example : Example
        The window on which boundaries are shown, without them.
    notes : tuple of str
        What is to be said of patchers from elsewhere.
    """

    config: StudyConfig
    digest: str
    patchers: dict[str, str]
    created: str
    command: str
    versions: dict[str, str]
    genome: GenomeRecord
    splits: SplitRecord
    example: Example
    notes: tuple[str, ...] = ()

    def same_study(self, config: StudyConfig, digest: str, patchers: dict[str, str]) -> bool:
        """Whether it is of this study; what is evaluated of it may change."""
        mine = replace(self.config, workflow=config.workflow)
        return (mine, self.digest, self.patchers) == (config, digest, patchers)


def run_folder(study_folder: Path, arm: str, seed: int) -> Path:
    """Where the run of an arm with a seed lives."""
    return study_folder / "runs" / f"{arm}-seed{seed}"


def begun_runs(study_folder: Path) -> list[Path]:
    """Folders of the runs that have begun, in the study's order and not in that of their start.

    Raises
    ------
    UserError
        When the study's record is broken.
    """
    path = study_folder / STUDY
    try:
        config = read_json(path)["config"]
        keys = [(arm, seed) for seed in config["seeds"] for arm in config["arms"]]
    except (KeyError, TypeError) as error:
        raise UserError(f"{path} is no record of a study ({error}); run the study again") from None
    runs = [run_folder(study_folder, *key) for key in keys]
    return [run for run in runs if (run / RECORD).is_file()]


def lock_file(study_folder: Path, step: str) -> Path:
    """What a step of a study locks while it works."""
    return study_folder / ".locks" / step


def require_run(config: StudyConfig, arm: str, seed: int) -> None:
    """Make sure that a study has an arm and a seed.

    Raises
    ------
    UserError
        When it has not.
    """
    if arm not in config.arms:
        raise UserError(
            f"the study has no arm '{arm}'{nearest(arm, config.arms) or among(config.arms)}"
        )
    if seed not in config.seeds:
        raise UserError(f"the study has no seed {seed}{among(map(str, config.seeds))}")


def unfinished(folder: Path) -> list[str]:
    """Steps of a study that are not done, as they are called on the command line."""
    keys = read_study(folder).config.keys
    steps = [("prepare", folder / PREPARED), ("floors", folder / FLOORS)]
    steps += [(f"arm {arm}-seed{seed}", run_folder(folder, arm, seed) / ARM) for arm, seed in keys]
    return [step for step, path in steps if not path.exists()]


def write_study(record: StudyRecord, folder: Path) -> None:
    """Write the record of a study; the file appears whole."""
    save_record(record, folder / STUDY)


def read_study(folder: Path) -> StudyRecord:
    """Read the record of a study.

    Raises
    ------
    UserError
        When the folder holds none, or one of another version.
    """
    if not (folder / STUDY).is_file():
        raise UserError(
            f"{folder} is no study: it has no {STUDY}; make it with `genomenet study claim`, "
            "`genomenet study run` or `genomenet compare`"
        )
    return load_record(StudyRecord, folder / STUDY)


def save_record(record, path: Path) -> None:
    """Write a frozen dataclass as JSON with the format's number; the file appears whole."""
    with whole_file(path) as handle:
        content = to_plain({"format": FORMAT, **dataclasses.asdict(record)})
        json.dump(content, handle, allow_nan=False, indent=1)
        handle.write("\n")


def load_record(kind, path: Path):
    """Read what `save_record` has written.

    Raises
    ------
    UserError
        When it is missing, broken, or of another version.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if (found := data.pop("format", None)) != FORMAT:
            raise ValueError(f"its format is {found!r}, this version reads {FORMAT}")
        return from_plain(kind, data, path.name)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); run that step again") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise UserError(
            f"{path} is not readable ({error}); restore it, or start in a new folder"
        ) from None
