"""Reading back what benchmarks have written."""

import json
from pathlib import Path
from typing import Any

from _record import RESULTS
from _tables import HEADING, Row


class Missing(Exception):
    """A result that is not there; says how to make it."""


def read(name: str, folder: Path | None = None) -> dict[str, Any]:
    """The record of a benchmark's last run: conditions and rows.

    Parameters
    ----------
    name : str
        Of the benchmark.
    folder : Path, optional
        Of results; those that `make bench` writes when left out.

    Raises
    ------
    Missing
        When it has not been run with --save.
    """
    path = (folder or RESULTS) / f"{name}.json"
    if not path.exists():
        raise Missing(
            f"benchmarks/results/{path.relative_to(RESULTS)} does not exist: run `python "
            f"benchmarks/{name}.py --save` first"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def rows(name: str, table: str, folder: Path | None = None) -> list[Row]:
    """The rows of one table of a benchmark.

    Raises
    ------
    Missing
        When the benchmark has not been run, or has no such table.
    """
    found = [row for row in read(name, folder)["rows"] if row[HEADING] == table]
    if not found:
        raise Missing(
            f"benchmarks/results/{name}.json has no table '{table}': run `python benchmarks/"
            f"{name}.py --save` again"
        )
    return found


def conditions(name: str) -> str:
    """When and where a benchmark was run, as a sentence."""
    record = read(name)
    threads = "1 thread" if record["threads"] == 1 else f"{record['threads']} threads"
    return (
        f"`{record['command']}`, {record['date']}: {record['machine']}, {threads}, "
        f"torch {record['torch']}."
    )
