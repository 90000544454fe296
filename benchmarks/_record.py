"""What every benchmark writes: its table, its numbers, and the conditions that it ran under."""

import datetime
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from genomenet.files import whole_file
from genomenet.json_records import to_plain

RESULTS = Path(__file__).parent / "results"


def command(script: str) -> str:
    """How the script was called."""
    return " ".join(["python", f"benchmarks/{Path(script).name}", *sys.argv[1:]])


def today() -> str:
    """The date, as 2026-01-31."""
    return datetime.date.today().isoformat()


def conditions(script: str) -> str:
    """Command, date, processor, threads and torch, as one line."""
    return (
        f"`{command(script)}`, {today()}. {processor()}, {torch.get_num_threads()} thread(s), "
        f"torch {torch.__version__}."
    )


def processor() -> str:
    """Name, family and model of the processor, as Linux tells them."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return "unknown"
    lines = info.read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return (
        f"{told.get('model name', 'unknown')} (family {told.get('cpu family')}, "
        f"model {told.get('model')})"
    )


def report(script: str, text: str, save: bool, rows: Iterable[Mapping[str, Any]]) -> None:
    """Print a table; keep it as results/NAME.md, and its numbers as results/NAME.json.

    Parameters
    ----------
    script : str
        The benchmark's file, after which results are named.
    text : str
        Markdown.
    save : bool
        Whether to keep anything.
    rows : iterable of mapping
        The numbers, a record each. `_tables.rows_of` has those of a text.
    """
    print(text)
    if save:
        name = Path(script).stem
        with whole_file(RESULTS / f"{name}.md") as handle:
            handle.write(text)
        write_json(RESULTS / f"{name}.json", record_of(script, rows))


def record_of(script: str, rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The numbers of a run and the conditions that it ran under."""
    return {
        "machine": processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "date": today(),
        "command": command(script),
        "rows": [to_plain(dict(row)) for row in rows],
    }


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record, or several by name, whole or not at all."""
    with whole_file(path) as handle:
        handle.write(json.dumps(content, indent=1) + "\n")
