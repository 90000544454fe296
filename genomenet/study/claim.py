"""The first step of a study: check everything that can be wrong, and claim a folder for it."""

from dataclasses import replace
from pathlib import Path

from genomenet.errors import UserError
from genomenet.genome.genome import Genome
from genomenet.study.config import StudyConfig, WorkflowConfig
from genomenet.study.example import choose_example
from genomenet.study.patchers import check_given_patchers, given_patchers
from genomenet.study.record import STUDY, StudyRecord, read_study, write_study
from genomenet.study.results import GenomeRecord, SplitRecord
from genomenet.training.calibration_config import CalibrateConfig
from genomenet.training.inputs import contig_names, open_data
from genomenet.training.record import now, versions
from genomenet.windows.held_out import HeldOutTiles
from genomenet.windows.leak import leak_report
from genomenet.windows.splits import Splits


def claim(config: StudyConfig, folder: Path, command: str) -> StudyRecord:
    """Write study.json into a new folder, or make sure that the one there is of the same study.

    Parameters
    ----------
    config : StudyConfig
        The study.
    folder : Path
        Its folder; made when missing.
    command : str
        Recorded in the results, if the folder is new.

    Raises
    ------
    UserError
        When the config or data can't work, or the folder holds something else.
    """
    config = _with_absolute_paths(config.check())
    genome, splits = open_data(config.data)
    windows = held_out_windows(config, genome, splits)
    given = {arm: patcher.digest for arm, patcher in given_patchers(config).items()}
    if (folder / STUDY).exists():
        record = read_study(folder)
        if not record.same_study(config, genome.digest, given):
            raise UserError(
                f"{folder} holds another study (or this one with another config, genome or "
                "patcher); give another --out"
            )
        if record.config.workflow != config.workflow:
            record = replace(record, config=config)
            write_study(record, folder)
        return record
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is not an empty folder; give another --out")
    example = choose_example(
        genome,
        contig_names(genome, config.data),
        [windows.interval(i) for i in range(len(windows))],
        config.annotation,
    )
    notes = check_given_patchers(config, genome, splits)
    leak = leak_report(splits, genome)
    record = StudyRecord(
        config=config,
        digest=genome.digest,
        patchers=given,
        created=now(),
        command=command,
        versions=versions(),
        genome=GenomeRecord(
            tuple(contig.name for contig in genome.contigs), genome.digest, genome.length_bp
        ),
        splits=SplitRecord(
            {name: bases.total_bp for name, bases in leak.bases.items()},
            leak.leak_bp,
            config.data.max_length,
        ),
        example=example,
        notes=tuple(notes),
    )
    write_study(record, folder)
    return record


def held_out_windows(config: StudyConfig, genome: Genome, splits: Splits) -> HeldOutTiles:
    """The windows that arms and trivial rows are scored on.

    Raises
    ------
    UserError
        When a split is empty.
    """
    splits.require("train")
    splits.require("valid")
    test = splits.require("test")
    return HeldOutTiles(genome, test, config.data.max_length, limit=config.test_windows or None)


def _with_absolute_paths(config: StudyConfig) -> StudyConfig:
    """The study, to be found from any working directory."""
    workflow = config.workflow
    return replace(
        config,
        data=config.data.with_absolute_paths(),
        annotation=_absolute(config.annotation),
        arms={
            arm: model
            if model.patcher in config.patchers
            else replace(model, patcher=_absolute(model.patcher))
            for arm, model in config.arms.items()
        },
        patchers={name: _absolute_model(one, config) for name, one in config.patchers.items()},
        workflow=WorkflowConfig(
            workflow.evaluate, workflow.probe, [_absolute(task) for task in workflow.tasks]
        ),
    )


def _absolute_model(patcher: CalibrateConfig, config: StudyConfig) -> CalibrateConfig:
    if patcher.entropy_model in config.entropy_models:
        return patcher
    return replace(patcher, entropy_model=_absolute(patcher.entropy_model))


def _absolute(path: str) -> str:
    return str(Path(path).absolute()) if path else ""
