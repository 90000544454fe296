"""`genomenet report`: write the figures and the HTML report of a study."""

from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.parsing import VerbParser


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "report",
        "STUDY [--out FOLDER]",
        "Write report.html, its figures and tables from the results of a study.",
    )
    parser.add_argument("study", type=str, help="Folder that `genomenet compare` made.")
    parser.add_argument(
        "-o", "--out", type=str, default="", help="Where to write; the study's folder if left out."
    )
    parsed = parser.read(words)

    from genomenet.report.page import write_report
    from genomenet.report.tables import text_table
    from genomenet.study.results_file import RESULTS, load_study

    study = load_study(Path(parsed.study) / RESULTS)
    print(text_table(study))
    print(f"\nreport: {write_report(study, Path(parsed.out or parsed.study))}")
    return 0
