"""Findings of kind "likelihood": score all models on the same windows and tell what came out."""

from collections.abc import Callable, Sequence

from genomenet import __version__
from genomenet.evaluation.blocks import DRAWS, lay_blocks
from genomenet.evaluation.findings import Chart, Findings, Table
from genomenet.evaluation.held_out import HeldOut
from genomenet.evaluation.likelihood.differences import (
    class_differences,
    class_differences_table,
    differences_table,
    overall_differences,
    pairs_of,
)
from genomenet.evaluation.likelihood.scoring import Scoring
from genomenet.evaluation.likelihood.sentences import sentences
from genomenet.evaluation.likelihood.tables import (
    class_parts,
    codon_parts,
    contig_parts,
    overall_table,
    position_parts,
    seeds_tables,
    windows_table,
)
from genomenet.evaluation.scored_arms import Arm, Scored, arms_of
from genomenet.evaluation.subject import Subject
from genomenet.evaluation.window_sums import sum_windows
from genomenet.training.record import now

KIND = "likelihood"


def score_all(
    subjects: Sequence[Subject],
    controls: Sequence[Subject],
    held_out: HeldOut,
    both_strands: bool,
    progress: Callable[[int], object] | None = None,
) -> Scoring:
    """Score every model and every control on every window.

    Parameters
    ----------
    subjects, controls : sequence of Subject
        Models, and what they must beat.
    held_out : HeldOut
        What to score.
    both_strands : bool
        Whether to read the reverse complements of the windows too, which doubles the cost.
    progress : callable, optional
        Called with the number of windows just scored.
    """
    tiles = held_out.tiles()
    blocks = lay_blocks(tiles)

    def scored(subject: Subject) -> Scored:
        strands = [
            sum_windows(subject, tiles, blocks, held_out.regions, reverse, progress)
            for reverse in ((False, True) if both_strands else (False,))
        ]
        return Scored(subject, *strands)

    return Scoring(
        tuple(arms_of([scored(subject) for subject in subjects])),
        tuple(Arm(subject.name, (scored(subject),), control=True) for subject in controls),
        held_out,
        tiles,
        blocks,
    )


def likelihood_findings(
    scoring: Scoring, checkpoint: str, command: str, notes: Sequence[str] = ()
) -> Findings:
    """All tables, charts and sentences.

    Parameters
    ----------
    scoring : Scoring
        What was scored.
    checkpoint : str
        Which weights.
    command : str
        Recorded.
    notes : sequence of str
        More to say of how it was measured.
    """
    pairs = pairs_of(scoring)
    found = overall_differences(pairs)
    by_class = class_differences(scoring, pairs)
    tables: list[Table] = [
        windows_table(scoring), overall_table(scoring), *seeds_tables(scoring),
    ]  # fmt: skip
    charts: list[Chart] = []
    if pairs:
        tables.append(differences_table(scoring, pairs, found))
    for part in (class_parts, codon_parts, contig_parts, position_parts):
        more_tables, more_charts = part(scoring)
        tables += more_tables
        charts += more_charts
    if by_class:
        tables.append(class_differences_table(scoring, by_class))
    inputs = scoring.held_out.inputs() | {
        "checkpoint": checkpoint,
        "strands": "both" if scoring.both_strands else "forward",
        "block": f"{scoring.blocks.block_bp} {scoring.unit}s",
        "bootstrap": f"{DRAWS} draws, seed 0",
    }
    return Findings(
        KIND,
        "Held-out likelihood",
        now(),
        command,
        __version__,
        inputs,
        tuple(sentences(scoring, pairs, found, by_class)),
        tuple(tables),
        tuple(charts),
        (*_notes(scoring), *notes),
    )


def _notes(scoring: Scoring) -> list[str]:
    unit, blocks = scoring.unit, scoring.blocks
    told = [
        f"Every window of {scoring.tiles.length_bp:,} {unit}s was scored by itself, each {unit} "
        "once"
        + (
            " on each strand; numbers are over both strands, and chunks and FLOPs are of the "
            "forward strand."
            if scoring.both_strands
            else "."
        ),
        f"Intervals are percentile bootstraps over {len(blocks)} blocks of up to "
        f"{blocks.block_bp:,} {unit}s ({DRAWS:,} draws), or Student t over seeds where an arm has "
        "two or more. Those over blocks leave out how much another seed would change the result, "
        "and none is corrected for the number of comparisons.",
    ]
    for arm in scoring.all_arms:
        subject = arm.first.subject
        if subject.note:
            told.append(f"{subject.name}: {subject.note}")
        config = subject.config
        if config is not None and config.model.tokeniser != "none":
            told.append(
                f"{subject.name} predicts tokens of several {unit}s, and shares a token's nats out "
                f"evenly: its sums over windows are exact, those by class or position are not."
            )
    return told
