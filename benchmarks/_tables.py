"""Markdown tables of results: drawn from rows of numbers, and read back into them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Row = dict[str, Any]

HEADING = "table"
"""Key of a row for the heading above its table."""
_NUMBER = re.compile(r"[x+-]?(-?[\d,]+(?:\.\d+)?(?:e[+-]?\d+)?)(M?)")
_SPREAD = re.compile(r"(\S+) \((\S+) to (\S+)\)")


def draw(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, tuple[str, str]]) -> str:
    """A table in Markdown.

    Parameters
    ----------
    rows : iterable of mapping
        Values; None is an empty cell.
    columns : mapping of str to (str, str)
        Key of a row's value to the heading of its column and its format, such as ",.0f"; a format
        of "" keeps text as it is, at the left.
    """
    lines = [
        "| " + " | ".join(heading for heading, _ in columns.values()) + " |",
        "|" + "|".join("---:" if form else "---" for _, form in columns.values()) + "|",
    ]
    for row in rows:
        cells = []
        for key, (_, form) in columns.items():
            value = row.get(key)
            plain = isinstance(value, str) or not form
            cells.append("" if value is None else str(value) if plain else f"{value:{form}}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def rows_of(text: str) -> list[Row]:
    """Rows of every Markdown table in a text, numbers as numbers.

    A column whose heading was there before is named after the column to its left too. A cell
    "x1.5 (1.4 to 1.6)" gives three values: its column's, and those of the same name and "low" or
    "high". Every row has the heading above its table under `HEADING`.
    """
    rows: list[Row] = []
    heading, names = "", []
    for line in text.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if not line.startswith("|"):
            names = []
            continue
        cells = [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]
        if not names:
            names = _unique(cells)
        elif not set(line) <= set("|-: "):
            row: Row = {HEADING: heading}
            for name, cell in zip(names, cells, strict=True):
                row.update(_values(name, cell))
            rows.append(row)
    return rows


def _unique(headings: list[str]) -> list[str]:
    names: list[str] = []
    for number, heading in enumerate(headings):
        again = heading in headings[:number]
        names.append(f"{headings[number - 1]} {heading}" if again else heading)
    return names


def _values(name: str, cell: str) -> Iterator[tuple[str, Any]]:
    if found := _SPREAD.fullmatch(cell):
        yield name, _number(found[1])
        yield f"{name} low", _number(found[2])
        yield f"{name} high", _number(found[3])
    else:
        yield name, _number(cell)


def _number(cell: str) -> float | int | str | None:
    found = _NUMBER.fullmatch(cell)
    if not found:
        return cell or None
    digits = found[1].replace(",", "")
    value = float(digits) * (1e6 if found[2] else 1)
    if cell.startswith("-") and not digits.startswith("-"):
        value = -value
    return int(value) if value.is_integer() and "." not in digits else value
