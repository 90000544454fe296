"""What an evaluation found: tables, charts and sentences, in one form for every kind."""

from dataclasses import dataclass
from typing import Literal

from genomenet.errors import UserError

Cell = str | int | float | tuple[float, float] | None
"""A word, a count, a number, an interval (low, high), or nothing."""

Format = Literal["text", "count", "number", "share", "signed", "compact"]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
        Its heading, with the unit where there is one.
    format : {"text", "count", "number", "share", "signed", "compact"}
        How numbers are written: whole with thousands, with decimals, in per cent, with their
        sign, or shortened as in 3.1M.
    decimals : int
        Of numbers, signed numbers and shares.
    """

    name: str
    format: Format = "text"
    decimals: int = 3


@dataclass(frozen=True)
class Table:
    """Rows that belong together.

    Attributes
    ----------
    key : str
        File name without ending; no other table or chart of the findings has it.
    title, caption : str
        What it shows; how to read it.
    columns : tuple of Column
        The first ones name the row.
    rows : tuple of tuple of Cell
        At full precision.
    """

    key: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self):
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"table {self.key}: {len(row)} cells for {len(self.columns)} columns"
                )


@dataclass(frozen=True)
class Series:
    """One line, or one set of dots, of a chart.

    Attributes
    ----------
    label : str
        Its name in the legend.
    x : tuple of float or str
        Where; the same words in all series of a chart of dots.
    y : tuple of float
        How much; nan where there is nothing.
    low, high : tuple of float
        Intervals around `y`; empty without.
    control : bool
        Whether it is a control, drawn paler and dashed.
    of : str
        The arm whose colour it takes; the label's own when empty.
    """

    label: str
    x: tuple[float | str, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    control: bool = False
    of: str = ""

    def __post_init__(self):
        for name in ("y", "low", "high"):
            values = getattr(self, name)
            if len(values) != len(self.x) and (values or name == "y"):
                raise ValueError(f"series {self.label}: {len(values)} {name} for {len(self.x)} x")


@dataclass(frozen=True)
class Chart:
    """A figure's data.

    Attributes
    ----------
    key, title, caption : str
        As of a table.
    kind : {"dots", "lines", "points"}
        Categories in rows with dots and intervals; lines over a numerical axis; points of two
        numbers each, every one labelled by its series.
    x_label, y_label : str
        With units. In a chart of dots the numbers run along x, and `y_label` is not drawn.
    series : tuple of Series
        What is drawn.
    log_x : bool
        Whether the x axis is logarithmic.
    reference : float or None
        A number to draw a thin line at, such as 1 for no enrichment.
    reference_label : str
        What that line is.
    """

    key: str
    title: str
    caption: str
    kind: Literal["dots", "lines", "points"]
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    log_x: bool = False
    reference: float | None = None
    reference_label: str = ""


@dataclass(frozen=True)
class Findings:
    """Everything one evaluation found, and what it was made of.

    Attributes
    ----------
    kind : str
        Such as "likelihood"; a study keeps one file of each.
    title : str
        Heading of its section in a report.
    created, command, version : str
        When, by which command, by which version of genomenet.
    inputs : dict of str to str
        What was read: genomes and tracks with their digests, checkpoints, splits, settings.
    sentences : tuple of str
        What is significant and what isn't, in plain words.
    tables : tuple of Table
        The numbers.
    charts : tuple of Chart
        The figures.
    notes : tuple of str
        How it was measured, and what is not to be read into it.
    """

    kind: str
    title: str
    created: str
    command: str
    version: str
    inputs: dict[str, str]
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        keys = [table.key for table in self.tables] + [chart.key for chart in self.charts]
        if len(set(keys)) < len(keys):
            raise ValueError(f"findings {self.kind}: two parts share a key of {', '.join(keys)}")

    def table(self, key: str) -> Table:
        """The table of a key.

        Raises
        ------
        UserError
            When there is none.
        """
        for table in self.tables:
            if table.key == key:
                return table
        raise UserError(f"the {self.kind} findings have no table '{key}'")
