"""`genomenet compute`: where models spend compute, and what more or less of it would change."""

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


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "compute",
        "RUN... | STUDY [--thresholds NUMBER ...] [--json FILE]",
        "Move the threshold of boundaries after training: likelihood against FLOPs, a threshold "
        "for every window at a fixed budget, and whether chunks are short where surprise is high.",
    )
    add_subject_options(parser)
    add_held_out_options(parser, windows=32)
    parser.add_argument(
        "--thresholds",
        type=float,
        nargs="+",
        default=[],
        help="Of the outermost boundaries: a probability for learned ones, else what the patcher "
        "compares. About half to 2.5 times the trained chunk length if left out, for each model.",
    )
    add_output_options(parser)
    parsed = parser.read(words)
    check_held_out_options(parsed)

    from tqdm import tqdm

    from genomenet.evaluation.compute.findings import (
        compute_findings,
        measure_compute,
        plan_compute,
    )
    from genomenet.training.record import now

    evaluated = open_subjects(parsed)
    held_out = open_held_out_windows(parsed, evaluated)
    plan = plan_compute(evaluated.subjects, held_out, parsed.thresholds)
    total = plan.windows_to_score
    with tqdm(total=total, unit="window", disable=parsed.quiet or None, leave=False) as bar:
        results, blocks = measure_compute(plan, bar.update)
    inputs = held_out.inputs() | {
        "models": ", ".join(subject.name for subject in evaluated.subjects),
        "checkpoint": parsed.checkpoint,
        "thresholds": ", ".join(f"{one:g}" for one in sorted(parsed.thresholds)) or "measured",
    }
    findings = compute_findings(
        results,
        blocks,
        held_out.genome.alphabet.unit,
        now(),
        shlex.join(["genomenet", "compute", *words]),
        __version__,
        inputs,
    )
    tell_findings(findings, parsed, evaluated.study)
    return 0
