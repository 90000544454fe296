"""The last step of a study: put what its arms and trivial rows left behind into one record."""

from dataclasses import replace
from pathlib import Path

from genomenet import __version__
from genomenet.errors import UserError
from genomenet.study.arm import describe_flops, read_arm
from genomenet.study.budget import describe_budget, describe_recipes
from genomenet.study.patchers import with_patcher_folders
from genomenet.study.prepare import read_floors
from genomenet.study.record import read_study, unfinished
from genomenet.study.results import ScheduleRecord, Study
from genomenet.study.results_file import RESULTS, save_study

ON_TEXT = (
    "This study is on text: where the report says base, it means byte, perplexity is per byte, and "
    "every byte is scored."
)


def gather(folder: Path) -> Study:
    """Write results.json of a study whose other steps are done.

    Raises
    ------
    UserError
        When a step is not done, or what it left can't be read.
    """
    record = read_study(folder)
    if missing := unfinished(folder):
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        raise UserError(
            f"{folder} is not finished: {missing[0]}{more} is still to be done; go on with "
            "`genomenet study run` or `genomenet compare`"
        )
    config = record.config
    found = [read_arm(folder, arm, seed) for arm, seed in config.keys]
    longest = max((config.recipe(arm) for arm in config.arms), key=_windows)
    bases_per_step = longest.global_batch_size * config.data.max_length
    study = Study(
        name=config.name,
        created=record.created,
        command=record.command,
        version=__version__,
        genome=record.genome,
        splits=record.splits,
        token_budget=longest.max_steps * bases_per_step,
        schedule=ScheduleRecord(
            longest.warmup_steps * bases_per_step, longest.decay_start * bases_per_step
        ),
        runs=tuple(one.run for one in found),
        floors=read_floors(folder),
        example=replace(
            record.example,
            tracks=tuple(track for one in found for track in one.tracks),
            surprise=tuple(one.surprise for one in found),
        ),
        notes=(
            describe_flops(with_patcher_folders(config, folder).arms, config.data.max_length),
            *([describe_budget(config)] if config.flop_budget else []),
            *([describe_recipes(config)] if config.recipes else []),
            *([ON_TEXT] if config.data.text else []),
            *record.notes,
            *config.notes,
        ),
    )
    save_study(study, folder / RESULTS)
    return study


def _windows(recipe) -> int:
    return recipe.max_steps * recipe.global_batch_size
