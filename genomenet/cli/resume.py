"""`genomenet resume`: go on with a run that was stopped."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from genomenet.cli.importing import heavy_imports
from genomenet.cli.parsing import VerbParser


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "resume", "RUN", "Go on with a run from its last checkpoint, as if it had never stopped."
    )
    parser.add_argument("run", type=str, help="Folder that `genomenet train` made.")
    parser.add_argument(
        "--devices", type=int, default=0, help="GPUs or processes a machine; 0 is as before."
    )
    parser.add_argument("--nodes", type=int, default=0, help="Machines; 0 is as before.")
    parser.add_argument(
        "--strategy",
        choices=("as before", "ddp", "fsdp"),
        default="as before",
        help="How devices share the model.",
    )
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress bar.")
    parsed = parser.read(words)

    with heavy_imports():
        from genomenet.cli.stopping import stops_at_once
        from genomenet.cli.terminal import tell_summary, warn
        from genomenet.training.record import read_record
        from genomenet.training.run import resume

    run = Path(parsed.run)
    changes = {
        name: getattr(parsed, name)
        for name in ("devices", "nodes", "strategy")
        if getattr(parsed, name) not in (0, "as before")
    }
    config, _ = read_record(run)
    with stops_at_once(replace(config.train, **changes)):
        summary = resume(run, not parsed.quiet, changes, warn)
        if summary is not None:
            tell_summary(summary, run, config.data.unit)
    return 0
