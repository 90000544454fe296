"""`genomenet report`: write the figures and the HTML report of a study, or of findings alone."""

from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.parsing import VerbParser
from genomenet.errors import UserError


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "report",
        "STUDY [--out FOLDER] | FINDINGS.json... --out FOLDER",
        "Write report.html, its figures and tables from the results of a study and what was "
        "evaluated of it, or from files that verbs wrote with --json.",
    )
    parser.add_argument(
        "sources",
        type=str,
        nargs="+",
        help="Folder that `genomenet compare` made, or files of findings.",
    )
    parser.add_argument(
        "-o", "--out", type=str, default="", help="Where to write; the study's folder if left out."
    )
    parsed = parser.read(words)
    sources = [Path(word) for word in parsed.sources]
    of_findings = all(source.suffix == ".json" for source in sources)
    if len(sources) > 1 and not of_findings:
        raise UserError("name one study, or files of findings whose names end with .json")
    if of_findings and not parsed.out:
        raise UserError("say with --out where the report of these findings goes")

    from genomenet.evaluation.findings_file import load_findings, study_findings
    from genomenet.report.page import write_findings_report, write_report

    if of_findings:
        findings = [load_findings(source) for source in sources]
        print(f"report: {write_findings_report(findings, Path(parsed.out))}")
        return 0

    from genomenet.report.tables import text_table
    from genomenet.study.results_file import RESULTS, load_study

    study = load_study(sources[0] / RESULTS)
    report = write_report(study, Path(parsed.out or sources[0]), study_findings(sources[0]))
    print(text_table(study))
    print(f"\nreport: {report}")
    return 0
