"""`genomenet robustness`: what is left of a model's predictions when its input is noisy."""

import shlex
from collections.abc import Sequence

from genomenet import __version__
from genomenet.cli.findings import add_output_options, tell_findings
from genomenet.cli.parsing import VerbParser
from genomenet.cli.subjects import (
    add_held_out_options,
    add_subject_options,
    check_held_out_options,
    open_held_out_windows,
    open_subjects,
)
from genomenet.errors import UserError


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "robustness",
        "RUN... | STUDY [--hf NAME_OR_DIR] [--rates RATE ...] [--json FILE]",
        "Score models on held-out bases with noise in them: how much of the gain is kept.",
    )
    add_subject_options(parser)
    add_held_out_options(parser, windows=64)
    parser.add_argument(
        "--rates",
        type=float,
        nargs="+",
        default=[],
        help="Chances of an edit at each base or character; 0.01 0.05 0.1 for DNA and 0.1 0.2 for "
        "text if left out.",
    )
    parser.add_argument("--seed", type=int, default=0, help="Of the edits.")
    parser.add_argument(
        "--markov_order",
        type=int,
        default=8,
        help="Longest context of the Markov model beside the models of DNA, at most 11.",
    )
    add_output_options(parser)
    parsed = parser.read(words)
    check_held_out_options(parsed)
    if not 0 <= parsed.markov_order <= 11:
        raise UserError(f"--markov_order is {parsed.markov_order}; choose 0 to 11")
    if parsed.seed < 0:
        raise UserError(f"--seed is {parsed.seed}; it should be 0 or more")

    from tqdm import tqdm

    from genomenet.evaluation.robustness.controls import control_scorers
    from genomenet.evaluation.robustness.findings import RobustnessFindings
    from genomenet.evaluation.robustness.noisy_windows import (
        conditions_of,
        model_scorer,
        score_noise,
    )
    from genomenet.evaluation.robustness.perturbations import DNA_RATES, TEXT_RATES
    from genomenet.training.record import now

    evaluated = open_subjects(parsed)
    held_out = open_held_out_windows(parsed, evaluated)
    alphabet = held_out.genome.alphabet
    rates = parsed.rates or (DNA_RATES if alphabet.complementable else TEXT_RATES)
    conditions = conditions_of(alphabet, rates)
    scorers = [model_scorer(subject) for subject in evaluated.subjects]
    scorers += control_scorers(evaluated.runs, evaluated.subjects, parsed.markov_order)
    tiles = held_out.tiles()
    total = len(scorers) * (1 + len(conditions)) * len(tiles)
    with tqdm(total=total, unit="window", disable=parsed.quiet or None, leave=False) as bar:
        sums = score_noise(scorers, tiles, conditions, parsed.seed, bar.update)
    inputs = held_out.inputs() | {
        "models": ", ".join(subject.name for subject in evaluated.subjects),
        "checkpoint": parsed.checkpoint,
        "rates": ", ".join(f"{rate:g}" for rate in sorted(rates)),
        "seed": str(parsed.seed),
    }
    notes = []
    if not evaluated.runs:
        notes.append("There is no run to take training bases from: no Markov model stands beside.")
    findings = RobustnessFindings(sums, alphabet.unit).findings(
        now(), shlex.join(["genomenet", "robustness", *words]), __version__, inputs, notes
    )
    tell_findings(findings, parsed, evaluated.study)
    return 0
