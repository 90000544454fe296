"""How the cells of findings are written, in terminals and in reports."""

import math

from genomenet.evaluation.findings import Cell, Column

NOTHING = "—"
DASH = "–"
MINUS = "\u2212"
UNITS = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def cell_text(cell: Cell, column: Column) -> str:
    """Write a cell as its column wants it; a dash for what is missing or not finite.

    Parameters
    ----------
    cell : str, int, float, tuple or None
        The value, or the two bounds of an interval.
    column : Column
        Its format and decimals.
    """
    if isinstance(cell, tuple):
        low, high = (cell_text(bound, column) for bound in cell)
        between = " to " if column.format == "signed" else DASH
        return NOTHING if NOTHING in (low, high) else f"{low}{between}{high}"
    if isinstance(cell, str):
        return cell
    if cell is None or not math.isfinite(cell):
        return NOTHING
    if column.format == "compact":
        return compact(cell)
    if column.format == "count":
        return f"{cell:,.0f}"
    if column.format == "share":
        return f"{cell:.{column.decimals}%}"
    if column.format == "signed":
        return f"{cell:+.{column.decimals}f}".replace("-", MINUS)
    return f"{cell:.{column.decimals}f}"


def compact(value: float | None) -> str:
    """Write a count with three digits and a unit: 950, 1.01M, 24M, 3.1G."""
    if value is None or not math.isfinite(value):
        return NOTHING
    for factor, unit in UNITS:
        if abs(value) >= 0.9995 * factor:
            return f"{value / factor:#.3g}".rstrip("0").rstrip(".") + unit
    return f"{value:.3g}"
