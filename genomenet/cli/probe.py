"""`genomenet probe`: simple classifiers on the frozen embeddings of trained models."""

import math
import shlex
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from genomenet.cli.findings import add_output_options, tell_findings
from genomenet.cli.parsing import VerbParser
from genomenet.cli.subjects import Evaluated, add_subject_options, open_subjects
from genomenet.errors import UserError

if TYPE_CHECKING:
    from genomenet.evaluation.subject import Subject
    from genomenet.probes.against_perplexity import Likelihoods
    from genomenet.probes.embeddings import Features
    from genomenet.probes.overlap import Overlap
    from genomenet.probes.suite import Contender
    from genomenet.probes.task import Task

POOLINGS = ("mean", "last", "centre")


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parsed = _read(words)

    from tqdm import tqdm

    from genomenet.probes.findings import probe_findings
    from genomenet.probes.read_task import read_task
    from genomenet.probes.suite import floors, probe_task

    whole = [read_task(Path(name), parsed.seed) for name in parsed.tasks]
    names = [task.name for task in whole]
    if len(set(names)) < len(names):
        raise UserError(f"two tasks have one name of {', '.join(names)}; rename one of the files")
    used = [task.limited(parsed.train_rows, parsed.test_rows, parsed.seed) for task in whole]
    evaluated = open_subjects(parsed)
    contenders = [*floors(), *_contenders(parsed, evaluated)]
    overlaps = _overlaps(parsed, evaluated, used)
    shots = list(dict.fromkeys(parsed.shots))
    results = []
    total = len(contenders) * len(used)
    with tqdm(total=total, desc="probes", disable=parsed.quiet or None, leave=False) as bar:
        for task, limited in zip(whole, used, strict=True):
            known = {name: found[limited.name] for name, found in overlaps.items()}
            results.append(
                probe_task(
                    task, limited, contenders, known, shots, parsed.seeds, lambda _: bar.update()
                )
            )
    findings = probe_findings(
        results,
        [subject.name for subject in evaluated.subjects],
        _likelihoods(parsed, evaluated),
        shlex.join(["genomenet", "probe", *words]),
        {
            "models": ", ".join(subject.name for subject in evaluated.subjects),
            "checkpoint": parsed.checkpoint,
            "seeds": str(parsed.seeds),
            "seed of rows": str(parsed.seed),
            "poolings": ", ".join(parsed.poolings),
            "layers": str(parsed.layers or "all"),
        },
        parsed.max_length,
    )
    tell_findings(findings, parsed, evaluated.study)
    return 0


def _read(words: Sequence[str]) -> Namespace:
    parser = VerbParser(
        "probe",
        "RUN...|STUDY --tasks FILE... [--shots 0 100 10] [--json FILE]",
        "Train linear classifiers on frozen embeddings, beside a twin with random weights, k-mers, "
        "and GC with length.",
    )
    add_subject_options(parser)
    parser.add_argument(
        "--tasks",
        type=str,
        nargs="+",
        required=True,
        help="CSV with sequence, label and split, as `genomenet data` and `genomenet tasks` make "
        "them; FASTA with headers NAME|LABEL; or folders of LABEL.fa.",
    )
    parser.add_argument(
        "--shots",
        type=int,
        nargs="+",
        default=[0, 100, 10],
        help="Train rows of each class, one probe for each number; 0 is all rows.",
    )
    parser.add_argument(
        "--seeds", type=int, default=3, help="Draws of train rows and of folds, at least 2."
    )
    parser.add_argument(
        "--train_rows", type=int, default=1000, help="Most train rows of a task; 0 is all."
    )
    parser.add_argument(
        "--test_rows", type=int, default=1000, help="Most test rows of a task; 0 is all."
    )
    parser.add_argument(
        "--layers", type=int, default=6, help="Layers to choose from, evenly spread; 0 is all."
    )
    parser.add_argument(
        "--poolings",
        nargs="+",
        choices=POOLINGS,
        default=["mean"],
        help="How the vectors of a layer become one: one or several to choose from.",
    )
    parser.add_argument(
        "--max_length",
        type=int,
        default=0,
        help="Cut longer sequences to their middle; the length trained on if left out.",
    )
    parser.add_argument(
        "--cache",
        type=str,
        default="",
        help="Folder of embeddings; RUN/embeddings if left out, and none for models of --hf.",
    )
    parser.add_argument("--seed", type=int, default=0, help="Of the rows that are kept.")
    add_output_options(parser)
    parsed = parser.read(words)
    for option, least in (("seeds", 2), ("train_rows", 0), ("test_rows", 0), ("layers", 0),
                          ("max_length", 0), ("seed", 0)):  # fmt: skip
        if getattr(parsed, option) < least:
            raise UserError(f"--{option} is {getattr(parsed, option)}; give {least} or more")
    if any(number and number < 2 for number in parsed.shots):
        raise UserError("--shots takes 0 for all rows, or at least 2 rows of each class")
    return parsed


def _contenders(parsed: Namespace, evaluated: Evaluated) -> "list[Contender]":
    """The models and their twins; embeddings are made, or read, when they are asked for."""
    from genomenet.probes.embeddings import require_plain_dna
    from genomenet.probes.suite import Contender

    found = []
    # Models of elsewhere come after the runs, and have no folder of ours to keep anything in.
    homes: list[Path | None] = [*evaluated.runs, *([None] * len(parsed.hf))]
    for subject, home in zip(evaluated.subjects, homes, strict=True):
        require_plain_dna(subject)
        folder = Path(parsed.cache) if parsed.cache else home and home / "embeddings"
        make = partial(_features, parsed, folder)
        assert subject.untrained is not None, "every subject that a verb opens has a twin"
        twin = subject.untrained(subject.seed)
        found += [
            Contender(subject.name, "model", partial(make, subject)),
            Contender(subject.name, "twin", partial(make, twin)),
        ]
    return found


def _features(
    parsed: Namespace, folder: Path | None, subject: "Subject", task: "Task"
) -> "Features":
    from tqdm import tqdm

    from genomenet.probes.embedding_cache import cached_embeddings

    with tqdm(
        total=len(task.sequences),
        desc=f"{subject.name}, {task.name}",
        unit="row",
        disable=parsed.quiet or None,
        leave=False,
    ) as bar:
        made = cached_embeddings(
            subject, task, folder, parsed.layers, parsed.max_length, bar.update
        )
    return {
        name: values for name, values in made.items() if name.rpartition(", ")[2] in parsed.poolings
    }


def _overlaps(
    parsed: Namespace, evaluated: Evaluated, tasks: "list[Task]"
) -> "dict[str, dict[str, Overlap]]":
    """What each model has seen of each task; runs on the same split are asked once."""
    from tqdm import tqdm

    from genomenet.probes.overlap import find_overlaps
    from genomenet.training.inputs import contig_names, open_data
    from genomenet.training.provenance import require_digest, require_splits
    from genomenet.training.record import read_record

    asked: dict[tuple[str, str], dict[str, Overlap]] = {}
    found = {}
    for subject, run in zip(evaluated.subjects, evaluated.runs, strict=False):
        config, record = read_record(run)
        genome, splits = open_data(config.data)
        require_digest(genome, config, record, run)
        require_splits(splits, config, record, run)
        key = genome.digest, splits.digest
        if key not in asked:
            total = sum(piece.length_bp for piece in splits.train)
            with tqdm(
                total=total, unit="b", unit_scale=True, desc="what was seen in training",
                disable=parsed.quiet or None, leave=False,
            ) as bar:  # fmt: skip
                overlaps = find_overlaps(
                    tasks, genome, splits.train, contig_names(genome, config.data), bar.update
                )
            asked[key] = {task.name: one for task, one in zip(tasks, overlaps, strict=True)}
        found[subject.name] = asked[key]
    return found


def _likelihoods(parsed: Namespace, evaluated: Evaluated) -> "Likelihoods":
    """Held-out nats of a study's arms; else what runs recorded of their validation split."""
    from genomenet.probes.against_perplexity import Likelihoods

    if parsed.checkpoint != "final":
        return Likelihoods({}, "not known of other weights than the final ones")
    if evaluated.study is not None:
        from genomenet.study.results_file import RESULTS, load_study

        study = load_study(evaluated.study / RESULTS)
        known = {(run.arm, run.seed): run.final.nats for run in study.runs}
        seeds = {subject.name: (subject.arm, subject.seed) for subject in evaluated.subjects}
        nats = {name: known[run] for name, run in seeds.items() if run in known}
        return Likelihoods(nats, "that of the final weights on the held-out bases of the study")
    from genomenet.training.record import SUMMARY, read_json

    nats = {}
    for subject, run in zip(evaluated.subjects, evaluated.runs, strict=False):
        if (run / SUMMARY).is_file():
            value = read_json(run / SUMMARY).get("valid_nats")
            if value is not None and math.isfinite(value):
                nats[subject.name] = value
    return Likelihoods(
        nats, "what each run recorded of its own validation windows at the end of its training"
    )
