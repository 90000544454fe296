"""`genomenet study run`: all steps of a study by Snakemake, on a laptop, a node or a cluster."""

import shlex
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.parsing import VerbParser
from genomenet.errors import UserError
from genomenet.study.config import StudyConfig

_GRAPHS = {"dot": "dot", "mermaid": "mermaid-js"}
"""What Snakemake calls the languages of graphs."""


def main(words: Sequence[str]) -> int:
    """Run the sub-verb."""
    words, more = _at_dashes(words)
    parser = VerbParser(
        "study run",
        "STUDY [--KEY VALUE] --out FOLDER [--profile NAME] [--dry-run] [-- OPTIONS]",
        "Train, score, evaluate and probe all arms of a study by Snakemake. Run it again to go on "
        "where it stopped. What follows -- goes to Snakemake as it is.",
    )
    parser.add_argument(
        "-p",
        "--profile",
        type=str,
        default="local",
        help="Where it runs: local, slurm, generic-cluster, or a folder with a config.yaml for "
        "Snakemake.",
    )
    parser.add_argument(
        "-j",
        "--jobs",
        type=int,
        default=0,
        help="Arms at a time here, jobs at a time on a cluster; 0 is one a core or GPU here, and "
        "what the profile says on a cluster.",
    )
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="Only tell which steps would be taken."
    )
    parser.add_argument(
        "--graph", choices=tuple(_GRAPHS), help="Only print the graph of all steps."
    )
    config, parsed, command = claim_words(parser, "run", words)
    if parsed.jobs < 0:
        raise UserError(f"--jobs is {parsed.jobs}; give 0 or more")

    from genomenet.study.workflow import find_profile, require_snakemake

    profile = find_profile(parsed.profile)
    require_snakemake()

    from genomenet.study.claim import claim
    from genomenet.study.record import STUDY
    from genomenet.study.workflow import run_workflow, snakemake_words

    out = Path(parsed.out)
    options = [*_packing(config, profile, parsed.jobs), *more]
    if parsed.dry_run or parsed.graph:
        options += ["--dag", _GRAPHS[parsed.graph]] if parsed.graph else ["--dry-run"]
        with tempfile.TemporaryDirectory() as scratch:
            folder = out if (out / STUDY).exists() else Path(scratch) / "study"
            claim(config, folder, command)
            code = run_workflow(folder, snakemake_words(folder, profile, options))
    else:
        claim(config, out, command)
        code = run_workflow(out, snakemake_words(out, profile, options))
        if code == 0:
            print(f"report: {out / 'report.html'}")
    if code:
        raise UserError(
            f"Snakemake ended with code {code}; {out / 'logs'} has a log of each step; the same "
            "command goes on where it stopped"
        )
    return 0


def claim_words(
    parser: VerbParser, verb: str, words: Sequence[str]
) -> tuple[StudyConfig, Namespace, str]:
    """A study from words that begin with its config, everything else, and the command."""
    parser.add_argument("-o", "--out", type=str, required=True, help="Study folder.")
    parser.add_config(StudyConfig)
    command = shlex.join(["genomenet", "study", verb, *words])
    if words and not words[0].startswith("-"):
        words = ["--config", *words]
    parsed = parser.read(words)
    return parser.config(StudyConfig, parsed).check(), parsed, command


def _packing(config: StudyConfig, profile: Path, jobs: int) -> list[str]:
    """Options that say how many jobs there are at a time, and how many threads each has."""
    from genomenet.study.workflow import find_profile

    if profile != find_profile("local"):
        return ["--jobs", str(jobs)] if jobs else []
    from genomenet.study.compare import arms_at_a_time, usable_cores
    from genomenet.training.device import uses_gpu

    jobs, threads = arms_at_a_time(config, jobs)
    cores = jobs * threads
    wide = [f"{rule}={usable_cores()}" for rule in ("prepare", "evaluate", "probe")]
    options = ["--cores", str(max(cores, 1)), "--set-threads", f"arm={threads}", *wide]
    # Steps that ask for a GPU take turns at those there are; each arm finds a free one.
    return [*options, "--resources", f"gpu={jobs}"] if uses_gpu(config.train) else options


def _at_dashes(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words before ``--``, and those after it."""
    words = list(words)
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]
