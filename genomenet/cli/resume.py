"""`genomenet resume`: go on with a run that was stopped."""

from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.parsing import VerbParser


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "resume", "RUN", "Go on with a run from its last checkpoint, as if it had never stopped."
    )
    parser.add_argument("run", type=str, help="Folder that `genomenet train` made.")
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress bar.")
    parsed = parser.read(words)

    from genomenet.cli.terminal import tell_summary
    from genomenet.training.record import read_record
    from genomenet.training.run import resume

    run = Path(parsed.run)
    tell_summary(resume(run, not parsed.quiet), run, read_record(run)[0].data.unit)
    return 0
