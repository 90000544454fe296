"""Findings as JSON in a study's folder and back, and their tables and charts as CSV."""

import csv
import dataclasses
import io
import json
from pathlib import Path

from genomenet.errors import UserError
from genomenet.evaluation.findings import Cell, Chart, Findings, Table
from genomenet.files import whole_file
from genomenet.json_records import from_plain, to_plain

FINDINGS = "findings"
"""Folder of a study that holds one file for each kind of findings."""

FORMAT = 1


def save_findings(findings: Findings, path: Path) -> None:
    """Write findings as JSON; the file appears whole."""
    content = to_plain({"format": FORMAT, **dataclasses.asdict(findings)})
    with whole_file(path) as handle:
        json.dump(content, handle, allow_nan=False, indent=1)
        handle.write("\n")


def load_findings(path: Path) -> Findings:
    """Read findings written by `save_findings`.

    Raises
    ------
    UserError
        When the file is missing, broken, or of another format.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data.pop("format", None)
        if version != FORMAT:
            raise ValueError(f"its format is {version!r}, this version reads {FORMAT}")
        return from_plain(Findings, data, "findings")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise UserError(f"{path} holds no findings ({error}); evaluate again") from None


def study_findings(study: Path) -> list[Findings]:
    """All findings that a study's folder holds, in the order of their names."""
    return [load_findings(path) for path in sorted((study / FINDINGS).glob("*.json"))]


def table_csv(table: Table) -> str:
    """A table at full precision; an interval takes two columns."""
    split = [
        any(isinstance(row[i], tuple) for row in table.rows) for i in range(len(table.columns))
    ]
    header: list[str] = []
    for column, two in zip(table.columns, split, strict=True):
        header += [f"{column.name} low", f"{column.name} high"] if two else [column.name]
    rows = [
        [cell for i, value in enumerate(row) for cell in _cells(value, split[i])]
        for row in table.rows
    ]
    return _csv(header, rows)


def chart_csv(chart: Chart) -> str:
    """The data of a chart: a line for each point of each series."""
    across, up = (chart.x_label or "x", chart.y_label or "y")
    if chart.kind == "dots":
        across, up = "category", across  # the numbers run along x
    header = ["series", "control", across, up, "low", "high"]
    rows: list[list[Cell]] = []
    for series in chart.series:
        nothing: tuple[Cell, ...] = ("",) * len(series.x)
        columns: list[tuple[Cell, ...]] = [series.x, series.y, series.low, series.high]
        points = zip(*(column or nothing for column in columns), strict=True)
        rows += [[series.label, "yes" if series.control else "no", *point] for point in points]
    return _csv(header, rows)


def write_csv(findings: Findings, folder: Path) -> None:
    """Write every table and every chart of findings as ``KIND-KEY.csv`` into a folder."""
    parts = {table.key: table_csv(table) for table in findings.tables}
    parts |= {chart.key: chart_csv(chart) for chart in findings.charts}
    for key, text in parts.items():
        with whole_file(folder / f"{findings.kind}-{key}.csv") as handle:
            handle.write(text)


def _cells(value: Cell, two: bool) -> list[Cell]:
    if isinstance(value, tuple):
        return list(value)
    return [value, value] if two and value is None else [value, ""] if two else [value]


def _csv(header: list[str], rows: list[list[Cell]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()
