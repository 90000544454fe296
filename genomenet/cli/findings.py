"""What verbs that evaluate tell: tables and sentences, files, and the study's report."""

import textwrap
from argparse import Namespace
from pathlib import Path

from genomenet.cli.parsing import VerbParser
from genomenet.cli.terminal import text_table
from genomenet.evaluation.findings import Findings
from genomenet.evaluation.findings_file import FINDINGS, save_findings, write_csv
from genomenet.evaluation.formatting import cell_text

WIDTH = 100
MOST_ROWS = 40
"""Of a table in the terminal; files and reports have all."""


def add_output_options(parser: VerbParser) -> None:
    """Options that say where findings go."""
    parser.add_argument("--json", type=str, default="", help="Write everything to this file.")
    parser.add_argument(
        "--csv", type=str, default="", help="Write tables and charts as CSV files to this folder."
    )
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress bar.")


def tell_findings(findings: Findings, parsed: Namespace, study: Path | None) -> None:
    """Print findings, write the files asked for, and renew the report of the study.

    Parameters
    ----------
    findings : Findings
        What was found.
    parsed : Namespace
        With the options of `add_output_options`.
    study : Path or None
        Folder of the study that was evaluated.
    """
    print(findings_text(findings))
    if parsed.json:
        save_findings(findings, Path(parsed.json))
    if parsed.csv:
        write_csv(findings, Path(parsed.csv))
    if study is not None:
        save_findings(findings, study / FINDINGS / f"{findings.kind}.json")
        from genomenet.report.page import write_report
        from genomenet.study.results_file import RESULTS, load_study

        print(f"\nreport: {write_report(load_study(study / RESULTS), study)}")


def findings_text(findings: Findings) -> str:
    """Findings for a terminal: tables, then what is significant, then how it was measured."""
    blocks = []
    for table in findings.tables:
        rows = [
            [cell_text(cell, column) for cell, column in zip(row, table.columns, strict=True)]
            for row in table.rows[:MOST_ROWS]
        ]
        sides = "".join("<" if column.format == "text" else ">" for column in table.columns)
        header = [column.name for column in table.columns]
        lines = [table.title, text_table(header, rows, sides)]
        if len(table.rows) > MOST_ROWS:
            lines.append(f"({len(table.rows) - MOST_ROWS:,} more rows: --csv FOLDER writes all)")
        blocks.append("\n".join(lines))
    said = [line for one in findings.sentences for line in textwrap.wrap(one, WIDTH)]
    notes = [
        line
        for one in findings.notes
        for line in textwrap.wrap(one, WIDTH, initial_indent="note: ", subsequent_indent="  ")
    ]
    return "\n\n".join(["\n\n".join(blocks), "\n".join([*said, *notes])]).strip()
