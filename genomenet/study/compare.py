"""Run all arms of a study side by side, and put what they found into one record."""

import os
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import asdict, replace
from pathlib import Path

from genomenet import __version__
from genomenet.annotation.annotation import annotation_features
from genomenet.annotation.feature import Feature
from genomenet.errors import UserError
from genomenet.genome.alphabet import DNA, decode
from genomenet.genome.contig_names import ContigNames, KnownRows
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval, overlaps_bp
from genomenet.study.arm import describe_flops, run_arm, run_folder
from genomenet.study.arm_processes import ArmProcesses
from genomenet.study.config import StudyConfig
from genomenet.study.floors import trivial_floors
from genomenet.study.patchers import check_given_patchers, given_patchers, make_patchers
from genomenet.study.results import (
    ArmRun,
    Example,
    Floor,
    Gene,
    GenomeRecord,
    ScheduleRecord,
    SplitRecord,
    Study,
    Surprise,
    Track,
)
from genomenet.study.results_file import RESULTS, load_study, save_study
from genomenet.training.device import uses_gpu
from genomenet.training.inputs import contig_names, open_data
from genomenet.training.record import SUMMARY, now, read_json, versions, write_json
from genomenet.training.tables import TRAIN_TABLE, read_table
from genomenet.windows.held_out import HeldOutTiles
from genomenet.windows.leak import leak_report

STUDY = "study.json"
POLL_SECONDS = 1.0
# Bacterial annotation has coding sequences without exons.
_EXONIC = ("exon", "CDS")
ON_TEXT = (
    "This study is on text: where the report says base, it means byte, perplexity is per byte, and "
    "every byte is scored."
)


def compare(
    config: StudyConfig,
    out: Path,
    command: str,
    jobs: int,
    tell: Callable[[dict[str, int]], object],
    say: Callable[[str], object] = lambda line: None,
    warn: Callable[[str], object] | None = None,
) -> Study:
    """Train, score and gather all arms; arms already done in `out` are not done again.

    Parameters
    ----------
    config : StudyConfig
        The study.
    out : Path
        Its folder; made when missing.
    command : str
        Recorded in the results.
    jobs : int
        Arms at a time; 0 is one a core, or one at a time on a GPU.
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
    config = _with_absolute_paths(config.check())
    genome, splits = open_data(config.data)
    splits.require("train")
    splits.require("valid")
    length_bp = config.data.max_length
    tiles = HeldOutTiles(
        genome, splits.require("test"), length_bp, limit=config.test_windows or None
    )
    windows = [tiles.interval(i) for i in range(len(tiles))]
    genes = _genes(config.annotation, contig_names(genome, config.data))
    example = _example_window(windows, genes)
    unchecked = check_given_patchers(config, genome, splits)
    created = _claim(out, config, genome.digest, command)
    folders = [run_folder(out, arm, seed) for arm in config.arms for seed in config.seeds]
    if (out / RESULTS).exists() and all((folder / SUMMARY).exists() for folder in folders):
        return load_study(out / RESULTS)
    leak = leak_report(splits, genome)
    for line in leak.lines():
        say(line)
    config = make_patchers(config, out, command, say)
    runs, tracks, surprise, floors = _run_all(
        config, out, jobs, tell, warn or _say_nothing, example, windows
    )
    bases_per_step = config.train.global_batch_size * length_bp
    text = () if not config.data.text else (ON_TEXT,)
    study = Study(
        name=config.name,
        created=created,
        command=command,
        version=__version__,
        genome=GenomeRecord(
            tuple(contig.name for contig in genome.contigs), genome.digest, genome.length_bp
        ),
        splits=SplitRecord(
            {name: bases.total_bp for name, bases in leak.bases.items()}, leak.leak_bp, length_bp
        ),
        token_budget=config.train.max_steps * bases_per_step,
        schedule=ScheduleRecord(
            config.train.warmup_steps * bases_per_step, config.train.decay_start * bases_per_step
        ),
        runs=tuple(runs),
        floors=tuple(floors),
        example=_describe_example(genome, example, genes, tracks, surprise),
        notes=(describe_flops(config.arms, length_bp), *text, *unchecked, *config.notes),
    )
    save_study(study, out / RESULTS)
    return study


def _say_nothing(line: str) -> None:
    """For processes of arms: a function that can be sent to them."""


def _run_all(
    config: StudyConfig,
    out: Path,
    jobs: int,
    tell: Callable[[dict[str, int]], object],
    warn: Callable[[str], object],
    example: Interval,
    windows: list[Interval],
) -> tuple[list[ArmRun], list[Track], list[Surprise], list[Floor]]:
    keys = [(arm, seed) for seed in config.seeds for arm in config.arms]
    cores = usable_cores()
    jobs = min(jobs or (1 if uses_gpu(config.train) else cores), len(keys))
    threads = max(1, cores // jobs)
    with ArmProcesses(jobs) as pool:
        # The longest arms first would pack better, but the order of the config is the one
        # people expect to see.
        arms = {
            key: pool.submit(run_arm, out, config, *key, threads, example, warn) for key in keys
        }
        floors = pool.submit(_floors, config, windows)
        pending: set[Future] = {*arms.values(), floors}
        while pending:
            done, pending = wait(pending, timeout=POLL_SECONDS)
            for future in done:
                future.result()
            tell({f"{arm}-seed{seed}": _steps_done(out, arm, seed) for arm, seed in keys})
        results = [arms[key].result() for key in keys]
    return (
        [run for run, _, _ in results],
        [track for _, tracks, _ in results for track in tracks],
        [surprise for _, _, surprise in results],
        floors.result(),
    )


def _floors(config: StudyConfig, windows: list[Interval]) -> list[Floor]:
    if config.markov_order < 0:
        return []
    genome, splits = open_data(config.data)
    return trivial_floors(
        genome,
        splits.train,
        splits.valid,
        windows,
        config.markov_order,
        both_strands=config.data.rc_aug,
    )


def _steps_done(out: Path, arm: str, seed: int) -> int:
    rows = read_table(run_folder(out, arm, seed) / TRAIN_TABLE)
    return int(rows[-1]["step"]) if rows else 0


def _claim(out: Path, config: StudyConfig, digest: str, command: str) -> str:
    """Write study.json, or make sure that the one there is of the same study."""
    given = {arm: patcher.digest for arm, patcher in given_patchers(config).items()}
    content = {"config": asdict(config), "digest": digest, "patchers": given}
    if (out / STUDY).exists():
        found = read_json(out / STUDY)
        if {name: found.get(name) for name in content} != content:
            raise UserError(
                f"{out} holds another study (or this one with another config, genome or patcher); "
                "give another --out"
            )
        return str(found["created"])
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not an empty folder; give another --out")
    created = now()
    write_json(
        out / STUDY, {**content, "created": created, "command": command, "versions": versions()}
    )
    return created


def _genes(annotation: str, names: ContigNames) -> list[Feature]:
    """Genes and what is exonic of them, under the genome's names of contigs."""
    if not annotation:
        return []
    rows, found = KnownRows(names, annotation), []
    for feature in annotation_features(annotation, ("gene", *_EXONIC)):
        place = feature.interval
        if own := rows.find(place.contig, place.end):
            found.append(feature._replace(interval=replace(place, contig=own)))
    rows.check()
    return found


def _example_window(windows: list[Interval], genes: list[Feature]) -> Interval:
    """The held-out window with the most exonic bases; the first one without annotation."""
    exons = [gene.interval for gene in genes if gene.kind in _EXONIC]
    return windows[int(overlaps_bp(windows, exons).argmax())]


def _describe_example(
    genome: Genome,
    window: Interval,
    features: list[Feature],
    tracks: list[Track],
    surprise: list[Surprise],
) -> Example:
    overlapping = [
        feature
        for feature in features
        if feature.interval.contig == window.contig
        and feature.interval.start < window.end
        and feature.interval.end > window.start
    ]
    genes = tuple(
        Gene(
            gene.gene_name,
            gene.strand,
            gene.interval.start,
            gene.interval.end,
            tuple(
                sorted(
                    {
                        (exon.interval.start, exon.interval.end)
                        for exon in overlapping
                        if exon.kind in _EXONIC and exon.gene_name == gene.gene_name
                    }
                )
            ),
        )
        for gene in overlapping
        if gene.kind == "gene"
    )
    mask = genome.read_mask(window.contig, window.start, window.end)
    edges = [i for i in range(len(mask) + 1) if _at(mask, i) != _at(mask, i - 1)]
    runs = tuple(
        (window.start + start, window.start + end)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    )
    codes = genome.read(window.contig, window.start, window.end)
    sequence = decode(codes) if genome.alphabet is DNA else ""
    return Example(
        window.contig, window.start, window.end, genes, tuple(tracks), runs, sequence,
        tuple(surprise),
    )  # fmt: skip


def _at(mask, i: int) -> bool:
    return bool(mask[i]) if 0 <= i < len(mask) else False


def usable_cores() -> int:
    """Cores this process may run on: a scheduler or a container may grant fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _with_absolute_paths(config: StudyConfig) -> StudyConfig:
    annotation = str(Path(config.annotation).absolute()) if config.annotation else ""
    return replace(config, data=config.data.with_absolute_paths(), annotation=annotation)
