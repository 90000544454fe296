"""Write the tables of docs/performance.md from benchmarks/results, between their markers."""

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import targets
from _arms import named
from _results import Missing, conditions, rows
from _tables import HEADING, Row, draw
from reproduced import APART
from reproduced import COLUMNS as APART_COLUMNS
from where_time_goes import FEW_COLUMNS

from genomenet.files import whole_file

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
MARKED = re.compile(r"(<!-- ([a-z-]+):begin -->\n).*?(<!-- \2:end -->)", re.DOTALL)

TARGETS = "targets"
"""The one block that is made of several benchmarks."""

Columns = Mapping[str, tuple[str, str]]
ARM, PARAMETERS, LENGTH = {"arm": ("arm", "")}, {"shown": ("parameters", "")}, ("bases", ",d")


def shown(found: list[Row]) -> list[Row]:
    """Rows with their numbers of parameters as tables show them."""
    return [
        {**row, "shown": named(row["parameters"])}
        if isinstance(row.get("parameters"), int)
        else row
        for row in found
    ]


def as_it_is(found: list[Row]) -> str:
    """A table whose columns are its keys; the ends of a spread stand behind its middle."""
    keys = [key for key in found[0] if key != HEADING and not key.endswith((" low", " high"))]
    lines = []
    for row in found:
        cells = {}
        for key in keys:
            value = row.get(key)
            cells[key] = written(value)
            if f"{key} low" in row:
                cells[key] = f"x{value:.2f} ({row[f'{key} low']:.2f} to {row[f'{key} high']:.2f})"
        lines.append(cells)
    numbers = {key for key in keys if not isinstance(found[0].get(key), str)}
    return draw(lines, {key: (key, "d" if key in numbers else "") for key in keys})


def written(value: object) -> str:
    """A value as a cell has it."""
    if isinstance(value, float) and value >= 1e6 and value.is_integer():
        return named(value)
    if isinstance(value, int | float):
        return f"{value:,}"
    return "" if value is None else str(value)


def of(columns: Columns) -> Callable[[list[Row]], str]:
    """How to draw certain columns."""
    return lambda found: draw(shown(found), columns)


def decoding(found: list[Row]) -> str:
    """Least and most times that hierarchies decode as fast as isotropic arms, over lengths."""
    groups: dict[tuple, list[Row]] = {}
    for row in shown(found):
        if row.get("times"):
            key = row["arm"], row["than"], row["size"], row["batch"]
            groups.setdefault(key, []).append(row)
    lines = []
    for (arm, than, _, batch), members in groups.items():
        lines.append(
            {
                "arm": arm,
                "shown": members[0]["shown"],
                "than": than,
                "batch": batch,
                "least": min(row["times"] for row in members),
                "most": max(row["times"] for row in members),
                "shortest": min(row["length"] for row in members),
                "longest": max(row["length"] for row in members),
            }
        )
    return draw(
        lines,
        {
            **ARM,
            **PARAMETERS,
            "than": ("beside", ""),
            "batch": ("batch", "d"),
            "shortest": ("from, bases", ",d"),
            "longest": ("to, bases", ",d"),
            "least": ("least times as fast", ".2f"),
            "most": ("most times as fast", ".2f"),
        },
    )


def shares(found: list[Row]) -> str:
    """A row an arm, a column a group."""
    wide: dict[str, Row] = {}
    for row in found:
        wide.setdefault(row["arm"], {"arm": row["arm"]})[row["group"]] = row["share"]
    groups = dict.fromkeys(row["group"] for row in found)
    return draw(wide.values(), ARM | {group: (group, ".0%") for group in groups})


def held_out(found: list[Row]) -> str:
    """What the cost model had not seen."""
    columns = {
        **COST,
        "predicted_us_per_base": ("modelled, us/base", ",.2f"),
        "ratio": ("measured over modelled", ".2f"),
    }
    return draw(shown([row for row in found if row.get("held_out")]), columns)


def without_note(found: list[Row]) -> list[Row]:
    """Rows with a figure."""
    return [row for row in found if row.get("bases_per_s")]


SPEED = {**ARM, **PARAMETERS, "batch": ("batch", "d"), "length": LENGTH}
COSTS_OF = {**ARM, **PARAMETERS, "pass": ("pass", ""), "length": LENGTH}
COST = {**COSTS_OF, "us_per_base": ("measured, us/base", ",.2f")}
BLOCKS: dict[str, tuple[str, str, Callable[[list[Row]], str]]] = {
    "reproduced": ("reproduced", APART, of(APART_COLUMNS)),
    "peers": ("training", "Beside transformers, with the same weights", as_it_is),
    "hierarchies": ("training", "H-Net beside the isotropic arm of the same mixer", as_it_is),
    "ops": (
        "ops",
        "CPU ops",
        lambda found: as_it_is([row for row in found if row["precision"] == "highest"]),
    ),
    "variants": ("variants", "Variants: shared prefixes beside whole sequences", as_it_is),
    "embeddings": ("variants", "Embeddings of alleles", as_it_is),
    "reading": (
        "loader",
        "Reading training windows",
        lambda found: as_it_is([row for row in found if row.get("reader")]),  # not of workers
    ),
    "importing": ("importing", "Importing", as_it_is),
    "ceilings": (
        "where_time_goes",
        "Ceilings",
        of({"gflops": ("products, GFLOP/s", ",.0f"), "gbytes": ("copies, GB/s", ",.1f")}),
    ),
    "steps": (
        "where_time_goes",
        "Steps",
        of(
            {
                **ARM,
                **PARAMETERS,
                "bases_per_s": ("bases/s", ",.0f"),
                "products_gflops": ("products, GFLOP/s", ",.0f"),
                "products_gflops_of_ceiling": ("of the ceiling", ".0%"),
                "elementwise_gbytes": ("elementwise, GB/s", ",.1f"),
                "elementwise_gbytes_of_ceiling": ("of the ceiling", ".0%"),
            }
        ),
    ),
    "few-rows": ("where_time_goes", "Products of few rows", of(FEW_COLUMNS)),
    "shares": ("where_time_goes", "Shares", shares),
    "decoding": ("inference", "Decoding", decoding),
    "states": (
        "inference",
        "Decoding",
        lambda found: of(
            {
                **ARM,
                **PARAMETERS,
                "length": LENGTH,
                "bases_per_s": ("bases/s", ",.0f"),
                "state_bytes": ("bytes of state", ",.0f"),
            }
        )([row for row in without_note(found) if row["batch"] == 1]),
    ),
    "forward": (
        "inference",
        "Forward",
        of({**SPEED, "bases_per_s": ("bases/s", ",.0f"), "note": ("", "")}),
    ),
    "by-length": ("scaling", "By length", of({**COST, "stopped": ("stopped by", "")})),
    "by-parameters": ("scaling", "By parameters", of(COST)),
    "held-out-length": ("scaling", "By length", held_out),
    "held-out-parameters": ("scaling", "By parameters", held_out),
    "modelled": (
        "scaling",
        "Modelled",
        of(
            {**COST, "us_per_base": ("", ""), "predicted_us_per_base": ("modelled, us/base", ".1f")}
        ),
    ),
    "first-step": (
        "startup",
        "First step",
        of({**ARM, "seconds": ("seconds", ".1f"), "cpu_s": ("CPU seconds", ".1f")}),
    ),
    "imports": (
        "startup",
        "Imports",
        of({"package": ("package", ""), "seconds": ("seconds", ".2f")}),
    ),
    "help": (
        "startup",
        "Help",
        lambda found: of({"command": ("command", ""), "seconds": ("seconds", ".2f")})(
            sorted(found, key=lambda row: row["seconds"])[:: len(found) - 1]
        ),
    ),
    "kernels": (
        "startup",
        "Compiled kernels",
        of({"use": ("use", ""), "seconds": ("seconds", ".2f")}),
    ),
    "freed-memory": (
        "startup",
        "Freed memory",
        of({"memory": ("freed memory is", ""), "seconds": ("CPU seconds a step", ".3f")}),
    ),
    "host-work": (
        "startup",
        "Host work",
        of(
            {
                "genome_bp": ("genome, bp", ",d"),
                "microseconds_per_step": ("microseconds a step", ",.0f"),
            }
        ),
    ),
}
"""Name of the markers: the benchmark, its table, and how to draw it."""


def filled(page: str) -> tuple[str, list[str]]:
    """The page with every block that has results written anew, and what the others lack."""
    lacking: list[str] = []

    def block(found: re.Match) -> str:
        name = found[2]
        if name == TARGETS:
            try:
                return f"{found[1]}{targets.table()}\n{found[3]}"
            except Missing as missing:
                lacking.append(str(missing))
                return found[0]
        if name not in BLOCKS:
            lacking.append(f"docs/performance.md: nothing knows how to write the block '{name}'")
            return found[0]
        benchmark, table, drawn = BLOCKS[name]
        try:
            text = drawn(rows(benchmark, table))
            return f"{found[1]}{text}\n\n{conditions(benchmark)}\n{found[3]}"
        except Missing as missing:
            lacking.append(str(missing))
            return found[0]

    return MARKED.sub(block, page), list(dict.fromkeys(lacking))


def main() -> None:
    """Rewrite the page; exit with 1 and a sentence on each result that is missing."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    text, lacking = filled(PAGE.read_text(encoding="utf-8"))
    with whole_file(PAGE) as handle:
        handle.write(text)
    if lacking:
        sys.exit("\n".join(lacking))


if __name__ == "__main__":
    main()
