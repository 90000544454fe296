"""`genomenet compare`: train and score all arms of a study on the same bases."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.importing import heavy_imports
from genomenet.cli.parsing import VerbParser
from genomenet.errors import UserError
from genomenet.study.config import StudyConfig


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "compare",
        "--config STUDY [--KEY VALUE] --out FOLDER",
        "Train and score all arms of a study on the same bases in the same order, then write "
        "the report. Run it again to go on where it stopped.",
    )
    parser.add_argument("-o", "--out", type=str, required=True, help="Study folder.")
    parser.add_argument(
        "-j",
        "--jobs",
        type=int,
        default=0,
        help="Arms at a time; 0 is one a core, or one a GPU.",
    )
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress bars.")
    parser.add_config(StudyConfig)
    parsed = parser.read(words)
    config = parser.config(StudyConfig, parsed).check()
    if parsed.jobs < 0:
        raise UserError(f"--jobs is {parsed.jobs}; give 0 for one a core (or GPU), or more")

    with heavy_imports():
        from tqdm import tqdm

        from genomenet.cli.terminal import ArmBars, warn
        from genomenet.report.page import write_report
        from genomenet.report.tables import text_table
        from genomenet.study.compare import compare
        from genomenet.training.signals import StopAtOnce

    out = Path(parsed.out)
    steps = {f"{arm}-seed{seed}": config.recipe(arm).max_steps for arm, seed in config.keys}
    stops = StopAtOnce("its arms are saved: run the same command again to go on")
    with stops, ArmBars(steps, quiet=parsed.quiet) as bars:
        study = compare(
            config,
            out,
            f"genomenet compare {shlex.join(words)}",
            parsed.jobs,
            bars.show,
            say=lambda line: None if parsed.quiet else tqdm.write(line, file=sys.stderr),
            warn=warn,
        )
    print(text_table(study))
    print(f"\nreport: {write_report(study, out)}")
    return 0
