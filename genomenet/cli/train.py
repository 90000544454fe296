"""`genomenet train`: train one model on a genome."""

import shlex
from collections.abc import Sequence
from pathlib import Path

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
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress bar.")
    parser.add_config(RunConfig)
    parsed = parser.read(words)
    config = parser.config(RunConfig, parsed).check()
    check_patcher(config.model)

    from genomenet.cli.terminal import tell_summary
    from genomenet.training.run import train

    summary = train(
        config,
        Path(parsed.out),
        f"genomenet train {shlex.join(words)}",
        progress=not parsed.quiet,
        tell=print,
    )
    if summary is not None:
        tell_summary(summary, Path(parsed.out), config.data.unit)
    return 0
