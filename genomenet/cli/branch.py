"""`genomenet branch`: decay from a checkpoint of another run's stable phase."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.importing import heavy_imports
from genomenet.cli.parsing import VerbParser


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "branch",
        "RUN --decay_steps N [--step N] --out FOLDER",
        "Decay from a checkpoint of a run's stable phase, as a run of its own: one long run gives "
        "the result of many budgets. The run itself is not touched.",
    )
    parser.add_argument("run", type=str, help="Folder that `genomenet train` made.")
    parser.add_argument("--decay_steps", type=int, required=True, help="Steps of the decay.")
    parser.add_argument(
        "--step",
        type=int,
        default=0,
        help="Leave the run after so many steps; 0 is the last that it can be left at. Runs keep "
        "the checkpoint before their decay, and one every train.keep_every steps.",
    )
    parser.add_argument("-o", "--out", type=str, required=True, help="Run folder to make.")
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress bar.")
    parsed = parser.read(words)

    with heavy_imports():
        from genomenet.cli.stopping import stops_at_once
        from genomenet.cli.terminal import tell_summary, warn
        from genomenet.training.branch import branch
        from genomenet.training.record import read_record
        from genomenet.training.run import resume
        from genomenet.training.strategy import cluster_environment, is_first_process

    run, out = Path(parsed.run), Path(parsed.out)
    config, _ = read_record(run)
    with stops_at_once(config.train):
        if is_first_process(cluster_environment(config.train)):
            command = f"genomenet branch {shlex.join(words)}"
            branch(run, out, parsed.step, parsed.decay_steps, command)
        summary = resume(out, not parsed.quiet, tell=warn)
        if summary is not None:
            tell_summary(summary, out, config.data.unit)
    return 0
