"""One arm of a study with one seed: train or go on, score, and keep what was found."""

import math
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from genomenet.errors import UserError
from genomenet.evaluation.run import evaluate_run
from genomenet.evaluation.subject import run_subject
from genomenet.evaluation.window_tracks import window_tracks
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval
from genomenet.locks import one_at_a_time
from genomenet.models.config import ModelConfig
from genomenet.models.flops import TRAINING_OVER_FORWARD, flops_per_base
from genomenet.models.parameters import count_parameters
from genomenet.study.budget import own_recipe
from genomenet.study.finish_run import finish_run
from genomenet.study.gpus import take_gpu
from genomenet.study.patchers import with_patcher_folders
from genomenet.study.record import (
    ARM,
    PREPARED,
    StudyRecord,
    load_record,
    lock_file,
    read_study,
    require_run,
    run_folder,
    save_record,
)
from genomenet.study.results import ArmRun, CurvePoint, Family, Surprise, Track
from genomenet.training.config import RunConfig
from genomenet.training.device import uses_gpu
from genomenet.training.inputs import open_data, open_regions
from genomenet.training.provenance import require_splits
from genomenet.training.record import RECORD, SUMMARY, read_json
from genomenet.training.tables import VALID_TABLE, read_table
from genomenet.windows.held_out import HeldOutTiles


@dataclass(frozen=True)
class ArmRecord:
    """What the step of an arm with a seed leaves for the study.

    Attributes
    ----------
    run : ArmRun
        How it trained and scored.
    tracks : tuple of Track
        Its boundaries along the example window, one a stage.
    surprise : Surprise
        Its surprise there.
    """

    run: ArmRun
    tracks: tuple[Track, ...]
    surprise: Surprise


def run_arm(
    study_folder: Path, arm: str, seed: int, threads: int, warn: Callable[[str], object]
) -> None:
    """Train an arm, or pick up where it stopped, and score it on the test split.

    What is done is not done again; what another process is doing is waited for.

    Parameters
    ----------
    study_folder : Path
        The study's folder, prepared.
    arm, seed : str, int
        Which run.
    threads : int
        CPU threads for it.
    warn : callable
        Called with a line when its last checkpoint is not good and an older one is used.

    Raises
    ------
    UserError
        When the study is not prepared, or the loss diverges.
    """
    record = read_study(study_folder)
    require_run(record.config, arm, seed)
    if not (study_folder / PREPARED).exists():
        raise UserError(
            f"{study_folder} is not prepared; do that with `genomenet study prepare {study_folder}`"
        )
    folder = run_folder(study_folder, arm, seed)
    with one_at_a_time(
        lock_file(study_folder, folder.name),
        lambda: print(f"waiting for another process that runs {folder}", file=sys.stderr),
    ):
        if not (folder / ARM).exists():
            found = _train_and_score(study_folder, record, arm, seed, threads, warn)
            save_record(found, folder / ARM)


def read_arm(study_folder: Path, arm: str, seed: int) -> ArmRecord:
    """What `run_arm` left behind.

    Raises
    ------
    UserError
        When it is missing or broken.
    """
    return load_record(ArmRecord, run_folder(study_folder, arm, seed) / ARM)


def _train_and_score(
    study_folder: Path,
    record: StudyRecord,
    arm: str,
    seed: int,
    threads: int,
    warn: Callable[[str], object],
) -> ArmRecord:
    torch.set_num_threads(threads)
    if uses_gpu(record.config.recipe(arm)):
        take_gpu()
    folder, config = run_folder(study_folder, arm, seed), record.config
    run = with_patcher_folders(config, study_folder).run(arm, seed)
    run = replace(run, train=replace(run.train, threads=threads))
    words = ["genomenet", "study", "arm", str(study_folder), "--arm", arm, "--seed", str(seed)]
    finish_run(folder, run, shlex.join(words), warn)
    genome, splits = open_data(run.data)
    require_splits(splits, run, read_json(folder / RECORD), folder)
    test, regions = list(splits.require("test")), open_regions(genome, run.data)
    before = (
        evaluate_run(folder, "before decay", genome, test, config.test_windows, regions=regions)
        if run.train.decays_from_stable
        else None
    )
    final = evaluate_run(folder, "final", genome, test, config.test_windows, regions=regions)
    summary = read_json(folder / SUMMARY)
    nominal = flops_per_base(run.model, run.data.max_length)
    layout = run.model.networks()
    result = ArmRun(
        arm=arm,
        label=arm,
        seed=seed,
        family=family(run.model),
        chunker=chunkers(run.model),
        main_mixer=layout.main_mixer,  # type: ignore[arg-type]
        layout=run.model.layout,
        parameters=count_parameters(run.model),
        flops_per_base_nominal=nominal.total,
        patcher_flops_per_base=nominal.patcher,
        patched=bool(run.model.patcher),
        training_bases=summary["bases"],
        bases_per_second=summary["bases_per_second"],
        curve=tuple(read_curve(folder, run)),
        before_decay=before,
        final=final,
        target_bases_per_chunk=tuple(
            math.prod(run.model.target(outer) for outer in range(stage + 1))
            for stage in range(run.model.compressions)
        ),
        recipe=own_recipe(config, arm),
    )
    window = Interval(record.example.contig, record.example.start, record.example.end)
    tracks, surprise = example_tracks(folder, run, genome, arm, seed, window)
    return ArmRecord(result, tuple(tracks), surprise)


def read_curve(folder: Path, run: RunConfig) -> list[CurvePoint]:
    """The validations of a run, with training FLOPs at the chunk rate achieved since the last."""
    stages = run.model.compressions
    patcher = flops_per_base(run.model, run.data.max_length).patcher  # frozen: forward only
    points, flops, bases_before = [], 0.0, 0
    for row in read_table(folder / VALID_TABLE):
        rates = tuple(float(row[f"val/bases_per_chunk/stage{stage}"]) for stage in range(stages))
        bases = int(row["bases"])
        per_base = float(row["perf/flops_per_base"])
        training = TRAINING_OVER_FORWARD * (per_base - patcher) + patcher
        flops += training * (bases - bases_before)
        bases_before = bases
        step = int(row["step"])
        points.append(
            CurvePoint(
                step,
                bases,
                float(row["val/loss"]),
                run.train.phase(step),
                rates,
                flops,
            )
        )
    return points


def example_tracks(
    folder: Path, run: RunConfig, genome: Genome, arm: str, seed: int, example: Interval
) -> tuple[list[Track], Surprise]:
    """Boundary probability of every base of the example window, one track a stage, and surprise.

    The decision about a base needs it to be read; the window's last base never is.
    """
    subject = run_subject(folder)
    tiles = HeldOutTiles(genome, [example], run.data.max_length)
    window = next(window_tracks(subject, tiles))
    tracks = [
        Track(
            arm,
            seed,
            stage,
            tuple(round(p, 4) for p in np.nan_to_num(found.probability).tolist()),
            tuple(found.boundary.tolist()),
        )
        for stage, found in enumerate(window.boundaries)
    ]
    nats = np.where(window.scored, window.nats, np.nan)
    return tracks, Surprise(arm, seed, tuple(round(one, 4) for one in nats.tolist()))


def describe_flops(models: dict[str, ModelConfig], length_bp: int) -> str:
    """A sentence on how well the arms are matched in nominal FLOPs per base."""
    flops = {arm: flops_per_base(model, length_bp) for arm, model in models.items()}
    costs = {arm: one.total for arm, one in flops.items()}
    frozen = any(one.patcher for one in flops.values())
    low, high = min(costs, key=costs.__getitem__), max(costs, key=costs.__getitem__)
    spread = costs[high] / costs[low] - 1
    return (
        f"Nominal forward FLOPs per base run from {costs[low]:,.0f} ({low}) to "
        f"{costs[high]:,.0f} ({high}), {100 * spread:.1f} % apart; a training step costs "
        f"{TRAINING_OVER_FORWARD} times as much"
        + (", but frozen entropy models in patchers only once." if frozen else ".")
    )


def family(model: ModelConfig) -> Family:
    """What kind of arm a model makes."""
    if model.tokeniser != "none":
        return "tokenised"
    return "hierarchical" if model.networks().stages else "isotropic"


def chunkers(model: ModelConfig) -> str:
    """The chunkers of a model from outside in, or its tokeniser; "none" without either."""
    if model.tokeniser != "none":
        return model.tokeniser
    stages = range(model.networks().stages)
    return " / ".join(dict.fromkeys(model.chunker_of(stage) for stage in stages)) or "none"
