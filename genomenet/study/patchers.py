"""The patchers of a study, made before its arms: entropy models trained, thresholds found."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from genomenet.study.config import StudyConfig
from genomenet.training.calibrate import calibrate
from genomenet.training.config import RunConfig
from genomenet.training.record import RECORD, SUMMARY
from genomenet.training.run import resume, train


def make_patchers(
    config: StudyConfig, out: Path, command: str, tell: Callable[[str], object]
) -> StudyConfig:
    """Make what is not there yet, and return the study with arms that name patcher folders.

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
        if (folder / RECORD).exists():
            resume(folder, progress=False)
        else:
            recipe = replace(config.train, seed=config.seeds[0])
            train(RunConfig(model, config.data, recipe), folder, command, progress=False)
    folders = {}
    for name, patcher in config.patchers.items():
        folders[name] = str((out / "patchers" / name).absolute())
        if Path(folders[name]).exists():
            continue
        tell(f"calibrating the patcher {name}")
        run = patcher.entropy_model
        if run in config.entropy_models:
            run = str(out / "entropy_models" / run)
        found = calibrate(
            replace(patcher, data=config.data, entropy_model=run), Path(folders[name]), command
        )
        tell(
            f"{name}: {found.train['mean']:.3f} positions per chunk on training windows, "
            f"{found.valid['mean']:.3f} on held-out ones"
        )
    arms = {
        arm: replace(model, patcher=folders.get(model.patcher, model.patcher))
        for arm, model in config.arms.items()
    }
    return replace(config, arms=arms)
