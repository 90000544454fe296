"""`genomenet boundaries`: where learned boundaries fall, beside what controls give."""

import json
import shlex
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genomenet import __version__
from genomenet.cli.findings import add_output_options, tell_findings
from genomenet.cli.parsing import VerbParser
from genomenet.cli.subjects import (
    Evaluated,
    add_held_out_options,
    add_subject_options,
    check_held_out_options,
    open_held_out_windows,
    open_subjects,
)
from genomenet.errors import UserError

if TYPE_CHECKING:
    from genomenet.evaluation.boundaries.edges import Edges
    from genomenet.evaluation.boundaries.windows import BoundaryWindows
    from genomenet.evaluation.held_out import HeldOut
    from genomenet.evaluation.subject import Subject

SOURCES = 4
"""What draws boundaries for each model: itself and three controls."""


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "boundaries",
        "RUN... | STUDY [--annotation GTF] [--motif NAME=IUPAC] [--json FILE]",
        "Compare boundaries with classes of bases, annotated edges and motifs, beside controls.",
    )
    add_subject_options(parser)
    add_held_out_options(parser, windows=64)
    parser.add_argument(
        "--annotation",
        type=str,
        default="",
        help="Genes of the genome: GTF, GFF3, GenBank or EMBL; a study's own if left out, and "
        "without any, edges as the region track shows them.",
    )
    parser.add_argument(
        "--motif",
        type=str,
        action="append",
        default=[],
        metavar="NAME=IUPAC",
        help="A word to look for on both strands, in place of the well-known ones; may be given "
        "several times.",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="Of shuffles, edits, twins and the bootstrap."
    )
    add_output_options(parser)
    parsed = parser.read(words)
    check_held_out_options(parsed)
    if parsed.seed < 0:
        raise UserError(f"--seed is {parsed.seed}; it should be 0 or more")
    if parsed.annotation and not Path(parsed.annotation).is_file():
        raise UserError(f"--annotation {parsed.annotation} is no file")

    from tqdm import tqdm

    from genomenet.evaluation.boundaries.analysis import analyse
    from genomenet.evaluation.boundaries.findings import boundary_findings
    from genomenet.evaluation.boundaries.motifs import read_motifs
    from genomenet.evaluation.boundaries.windows import read_boundary_windows
    from genomenet.training.record import now

    motifs = read_motifs(parsed.motif)
    evaluated = open_subjects(parsed)
    subjects, notes = _with_boundaries(evaluated)
    held_out = open_held_out_windows(parsed, evaluated)
    windows = read_boundary_windows(held_out.tiles(), held_out.regions)
    edges, told = _edges(parsed, evaluated, held_out, windows, notes)
    outcomes = []
    with tqdm(
        total=SOURCES * len(subjects), unit="pass", disable=parsed.quiet or None, leave=False
    ) as bar:
        for subject in subjects:
            assert subject.untrained is not None, "every subject that a verb opens has a twin"
            twin = subject.untrained(parsed.seed)
            outcomes += analyse(subject, twin, windows, edges, motifs, parsed.seed, bar.update)
    inputs = held_out.inputs() | {
        "models": ", ".join(subject.name for subject in subjects),
        "checkpoint": parsed.checkpoint,
        "edges": told,
        "motifs": ", ".join(f"{motif.name}={motif.word}" for motif in motifs),
        "seed": str(parsed.seed),
    }
    if not windows.classes:
        notes.append("There is no region track: rates are told for the soft mask only.")
    findings = boundary_findings(
        outcomes,
        windows,
        now(),
        shlex.join(["genomenet", "boundaries", *words]),
        __version__,
        inputs,
        notes,
    )
    tell_findings(findings, parsed, evaluated.study)
    return 0


def _with_boundaries(evaluated: Evaluated) -> "tuple[list[Subject], list[str]]":
    """The models that draw boundaries, and a note on each kind of those left out."""
    notes = []
    kept = [one for one in evaluated.subjects if one.stages and not one.reads_scores]
    isotropic = [one.name for one in evaluated.subjects if not one.stages]
    scored = [one.name for one in evaluated.subjects if one.stages and one.reads_scores]
    if isotropic:
        notes.append(f"Left out, for they draw no boundaries: {', '.join(isotropic)}.")
    if scored:
        notes.append(
            f"Left out, for they read a score for every base, which shuffled and edited sequence "
            f"lacks: {', '.join(scored)}."
        )
    if not kept:
        raise UserError(
            "none of the models draws boundaries from the sequence alone; name a run of a "
            "hierarchical model"
        )
    return kept, notes


def _study_annotation(study: Path) -> str:
    """The annotation file that a study was made with; empty when there was none."""
    path = study / "study.json"
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["config"].get("annotation", ""))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is no record of a study ({error}); run the study again") from None


def _edges(
    parsed: Namespace,
    evaluated: Evaluated,
    held_out: "HeldOut",
    windows: "BoundaryWindows",
    notes: list[str],
) -> "tuple[list[Edges], str]":
    """Edges of genes and repeats, and where those of genes come from."""
    from genomenet.evaluation.boundaries.edges import annotated_edges, repeat_edges, track_edges

    annotation = parsed.annotation
    if not annotation and evaluated.study is not None and not parsed.genome:
        annotation = _study_annotation(evaluated.study)
        if annotation and not Path(annotation).is_file():
            notes.append(f"The study's annotation {annotation} is gone; name it with --annotation.")
            annotation = ""
    if annotation:
        genes = annotated_edges(windows, Path(annotation), held_out.names)
        return [*genes, *repeat_edges(windows)], Path(annotation).name
    told = "region track" if windows.classes else "soft mask only"
    return [*track_edges(windows), *repeat_edges(windows)], told
