"""Findings as a section of a page: sentences, figures, tables that sort, and their origin."""

import math
from dataclasses import dataclass

from genomenet.evaluation.findings import Cell, Column, Findings, Table
from genomenet.evaluation.findings_file import table_csv
from genomenet.evaluation.formatting import cell_text
from genomenet.report.charts import draw_chart
from genomenet.report.series_style import Palette
from genomenet.report.style import Drawing

LONG = 30
"""Longer tables are folded."""


@dataclass(frozen=True)
class ShownCell:
    """A cell.

    Attributes
    ----------
    text : str
        As it is read.
    number : float or None
        What it is sorted by, at full precision; of an interval its middle.
    """

    text: str
    number: float | None


@dataclass(frozen=True)
class ShownTable:
    """A table; attributes as in `Table`, with `csv` its data and `long` whether it is folded."""

    key: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: list[list[ShownCell]]
    csv: str
    long: bool


@dataclass(frozen=True)
class Section:
    """What the template shows of findings; attributes as in `Findings`."""

    key: str
    title: str
    created: str
    command: str
    version: str
    inputs: dict[str, str]
    sentences: tuple[str, ...]
    tables: list[ShownTable]
    drawings: list[Drawing]
    notes: tuple[str, ...]


def section_of(findings: Findings, palette: Palette) -> Section:
    """Draw findings.

    Parameters
    ----------
    findings : Findings
        What was found; no two of a page have one kind.
    palette : Palette
        Colours of the page.
    """
    return Section(
        f"findings-{findings.kind}",
        findings.title,
        findings.created,
        findings.command,
        findings.version,
        findings.inputs,
        findings.sentences,
        [_shown(table, f"{findings.kind}-{table.key}") for table in findings.tables],
        [draw_chart(chart, findings.kind, palette) for chart in findings.charts],
        findings.notes,
    )


def _shown(table: Table, key: str) -> ShownTable:
    rows = [
        [
            ShownCell(cell_text(cell, column), _number(cell))
            for cell, column in zip(row, table.columns, strict=True)
        ]
        for row in table.rows
    ]
    return ShownTable(
        key, table.title, table.caption, table.columns, rows, table_csv(table), len(rows) > LONG
    )


def _number(cell: Cell) -> float | None:
    if isinstance(cell, tuple):
        cell = sum(cell) / 2
    if cell is None or isinstance(cell, str) or not math.isfinite(cell):
        return None
    return cell
