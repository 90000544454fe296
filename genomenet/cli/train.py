"""`genomenet train`: train one model on a genome."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.importing import heavy_imports
from genomenet.cli.parsing import VerbParser
from genomenet.models.patcher import check_patcher
from genomenet.training.config import RunConfig


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "train",
        "[--config FILE] [--KEY VALUE] --out FOLDER",
        "Train one model on a genome and keep everything in one run folder.",
    )
    parser.add_argument("-o", "--out", type=str, required=True, help="Run folder to make.")
    parser.add_argument(
        "--resume",
        type=bool,
        default=False,
        help="Go on where the run folder holds this very run, and do nothing when it is "
        "finished: a command for schedulers to repeat.",
    )
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress bar.")
    parser.add_config(RunConfig)
    parsed = parser.read(words)
    config = parser.config(RunConfig, parsed).check()
    check_patcher(config.model)

    with heavy_imports():
        from genomenet.cli.stopping import stops_at_once
        from genomenet.cli.terminal import tell_summary, warn
        from genomenet.training.requeue import train_or_resume
        from genomenet.training.run import train

    out, command = Path(parsed.out), f"genomenet train {shlex.join(words)}"
    with stops_at_once(config.train):
        if parsed.resume:
            summary = train_or_resume(config, out, command, not parsed.quiet, print, warn)
        else:
            summary = train(config, out, command, not parsed.quiet, print)
        if summary is not None:
            tell_summary(summary, out, config.data.unit)
    return 0
