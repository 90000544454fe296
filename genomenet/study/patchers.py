"""The patchers of a study, made before its arms: entropy models trained, thresholds found."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from genomenet.genome.genome import Genome
from genomenet.models.patcher import Patcher, read_patcher
from genomenet.study.config import StudyConfig, said_of
from genomenet.study.finish_run import finish_run
from genomenet.training.calibrate import calibrate
from genomenet.training.config import RunConfig
from genomenet.training.provenance import check_provenance
from genomenet.training.record import SUMMARY
from genomenet.windows.splits import Splits


def given_patchers(config: StudyConfig) -> dict[str, Patcher]:
    """The patchers that arms take from elsewhere, by arm."""
    return {
        arm: read_patcher(model.patcher)
        for arm, model in config.arms.items()
        if model.patcher and model.patcher not in config.patchers
    }


def check_given_patchers(config: StudyConfig, genome: Genome, splits: Splits) -> list[str]:
    """Make sure that patchers from elsewhere know no base that the study holds out.

    Returns
    -------
    list of str
        A sentence for each of which that can't be told.

    Raises
    ------
    UserError
        Naming the arm of one that does.
    """
    notes: list[str] = []
    for arm, patcher in given_patchers(config).items():
        with said_of(f"arm '{arm}'"):
            found = check_provenance(patcher, genome, splits)
        notes += [f"Arm {arm}: {note}." for note in found]
    return notes


def make_patchers(
    config: StudyConfig, out: Path, command: str, tell: Callable[[str], object]
) -> dict[str, Path]:
    """Make the patchers of a study that are not there yet.

    Entropy models are trained on the study's data with the study's recipe and first seed, and
    shared by all seeds of the arms.

    Parameters
    ----------
    config : StudyConfig
        The study.
    out : Path
        Its folder.
    command : str
        Recorded as the command that made them.
    tell : callable
        Called with lines on what is being done.

    Returns
    -------
    dict of str to Path
        The folder of each.

    Raises
    ------
    UserError
        When a target is out of reach.
    """
    for name, model in config.entropy_models.items():
        folder = out / "entropy_models" / name
        if (folder / SUMMARY).exists():
            continue
        tell(f"training the entropy model {name}")
        recipe = replace(config.train, seed=config.seeds[0])
        finish_run(folder, RunConfig(model, config.data, recipe), command, tell)
    folders = _folders(config, out)
    for name, patcher in config.patchers.items():
        if folders[name].exists():
            continue
        tell(f"calibrating the patcher {name}")
        run = patcher.entropy_model
        if run in config.entropy_models:
            run = str(out / "entropy_models" / run)
        found = calibrate(
            replace(patcher, data=config.data, entropy_model=run), folders[name], command
        )
        tell(
            f"{name}: {found.train['mean']:.3f} positions per chunk on training windows, "
            f"{found.valid['mean']:.3f} on held-out ones"
        )
        for note in found.notes:
            tell(f"{name}: {note}")
    return folders


def with_patcher_folders(config: StudyConfig, out: Path) -> StudyConfig:
    """The study with arms that name the folders of its patchers, which must be there by now."""
    folders = {name: str(folder) for name, folder in _folders(config, out).items()}
    arms = {
        arm: replace(model, patcher=folders.get(model.patcher, model.patcher))
        for arm, model in config.arms.items()
    }
    return replace(config, arms=arms)


def _folders(config: StudyConfig, out: Path) -> dict[str, Path]:
    return {name: (out / "patchers" / name).absolute() for name in config.patchers}
