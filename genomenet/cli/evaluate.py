"""`genomenet evaluate`: held-out likelihood of models, by every kind of base, with intervals."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
    from genomenet.evaluation.held_out import HeldOut
    from genomenet.evaluation.subject import Subject


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    from genomenet.cli.findings import add_output_options, tell_findings

    parser = VerbParser(
        "evaluate",
        "RUN... | STUDY [--split NAME | --genome FILE] [--regions FOLDER] [--json FILE]",
        "Score models on held-out bases: every base once, N never; by class, codon and position.",
    )
    add_subject_options(parser)
    add_held_out_options(parser, windows=0)
    parser.add_argument(
        "--strands",
        choices=("forward", "both"),
        help="Strands to read. Both if left out, for DNA: twice the cost of forward alone.",
    )
    parser.add_argument(
        "--control",
        type=bool,
        default=True,
        help="Score a Markov model of the first run's training split beside the models.",
    )
    add_output_options(parser)
    parsed = parser.read(words)
    check_held_out_options(parsed)

    from tqdm import tqdm

    from genomenet.evaluation.likelihood.findings import likelihood_findings, score_all

    evaluated = open_subjects(parsed)
    held_out = open_held_out_windows(parsed, evaluated)
    complementable = held_out.genome.alphabet.complementable
    if parsed.strands == "both" and not complementable:
        raise UserError("text has no other strand; leave out --strands")
    both = complementable and parsed.strands != "forward"
    controls: list[Subject] = []
    notes: list[str] = []
    if parsed.control and complementable:
        controls, notes = _controls(evaluated, held_out, bool(parsed.genome))
    passes = (len(evaluated.subjects) + len(controls)) * (2 if both else 1)
    total = passes * len(held_out.tiles())
    with tqdm(total=total, unit="window", disable=parsed.quiet or None, leave=False) as bar:
        scoring = score_all(evaluated.subjects, controls, held_out, both, bar.update)
    findings = likelihood_findings(
        scoring, parsed.checkpoint, shlex.join(["genomenet", "evaluate", *words]), notes
    )
    tell_findings(findings, parsed, evaluated.study)
    return 0


def _controls(
    evaluated: Evaluated, held_out: "HeldOut", elsewhere: bool
) -> "tuple[list[Subject], list[str]]":
    """A Markov model of the first run's training split, and what there is to say of it."""
    from genomenet.evaluation.markov_control import TRAINING_BP, run_control

    run: Path = evaluated.runs[0]
    try:
        control = run_control(run, held_out.length_bp)
    except UserError as error:
        if not elsewhere:
            raise
        # Another genome can be scored without the run's own one.
        return [], [f"There is no Markov control: {error}."]
    return [control], [
        f"{control.name} was counted on the training split of {run.name} (at most "
        f"{TRAINING_BP:,} bases of it), its order and back-off chosen on the validation split; "
        "its contexts restart with every window, as those of the models do."
    ]
