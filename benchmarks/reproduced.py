"""How far two runs of the benchmarks lie apart: what the spread of one run's turns doesn't tell."""

import argparse
import json
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from _record import RESULTS, report
from _tables import HEADING, Row, draw

APART = "Apart from an earlier run"
NAMES = {
    "arm", "parameters", "window", "precision", "theirs", "isotropic", "op", "form", "size",
    "batch", "length", "pass", "layout", "model", "reader", "file", "command", "window, bp",
}  # fmt: skip
"""Keys that tell which case a row is of."""


@dataclass(frozen=True)
class Figure:
    """A column that is measured.

    Attributes
    ----------
    what : str
        As the table calls it.
    benchmark, table, column : str
        Where it stands.
    """

    what: str
    benchmark: str
    table: str
    column: str

    def cases(self, folder: Path) -> dict[tuple, float]:
        """Every case's number in a folder of results."""
        rows = json.loads((folder / f"{self.benchmark}.json").read_text(encoding="utf-8"))["rows"]
        return {
            tuple((key, row[key]) for key in sorted(NAMES & row.keys())): row[self.column]
            for row in rows
            if row[HEADING] == self.table and row.get(self.column)
        }


PEERS = "Beside transformers, with the same weights"
ARMS = "H-Net beside the isotropic arm of the same mixer"
VARIANTS = "Variants: shared prefixes beside whole sequences"
FIGURES = (
    Figure("training: times as fast as transformers", "training", PEERS, "ours is"),
    Figure("training: H-Net's time per nominal FLOP", "training", ARMS, "time per nominal FLOP"),
    Figure("ops: times as fast as other forms", "ops", "CPU ops", "ours is"),
    Figure("decoding: times as fast as the isotropic arm", "inference", "Decoding", "times"),
    Figure("variants: times as fast as whole sequences", "variants", VARIANTS, "faster"),
    Figure("reading: times as fast as others", "loader", "Reading training windows",
           "ours is times that"),
    Figure("training: bases/s", "training", PEERS, "ours, bases/s"),
    Figure("a step by its parts: bases/s", "where_time_goes", "Steps", "bases_per_s"),
    Figure("decoding: bases/s", "inference", "Decoding", "bases_per_s"),
    Figure("whole windows: bases/s", "inference", "Forward", "bases_per_s"),
    Figure("scaling: us/base by length", "scaling", "By length", "us_per_base"),
    Figure("scaling: us/base by parameters", "scaling", "By parameters", "us_per_base"),
    Figure("from launch to the first step: seconds", "startup", "First step", "seconds"),
    Figure("help: seconds", "startup", "Help", "seconds"),
    Figure("importing: CPU seconds", "importing", "Importing", "CPU s"),
)  # fmt: skip


def apart(earlier: Path, later: Path) -> Iterator[Row]:
    """A row a figure: by what share its cases differ, as the larger over the smaller.

    Benchmarks without earlier results are left out.
    """
    for figure in FIGURES:
        if not (earlier / f"{figure.benchmark}.json").exists():
            continue
        before, now = figure.cases(earlier), figure.cases(later)
        # What others are held against is exactly 1 in every run.
        cases = [case for case in now if case in before and not now[case] == before[case] == 1]
        both = [abs(math.log(now[case] / before[case])) for case in cases]
        if not both:
            continue
        shares = sorted(math.expm1(distance) for distance in both)
        yield {
            HEADING: APART,
            "figure": figure.what,
            "cases": len(shares),
            "half": statistics.median(shares),
            "nine_in_ten": shares[math.ceil(0.9 * len(shares)) - 1],
            "most": shares[-1],
        }


COLUMNS = {
    "figure": ("figure", ""),
    "cases": ("cases", "d"),
    "half": ("half of them within", ".0%"),
    "nine_in_ten": ("nine in ten within", ".0%"),
    "most": ("all within", ".0%"),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("earlier", type=Path, help="folder of an earlier run's results")
    parser.add_argument("--save", action="store_true", help="write results/reproduced.*")
    arguments = parser.parse_args()
    rows = list(apart(arguments.earlier, RESULTS))
    if not rows:
        parser.error(f"{arguments.earlier} has no results of these benchmarks")
    text = f"# Two runs\n\n## {APART}\n\n{draw(rows, COLUMNS)}\n"
    report(__file__, text, arguments.save, rows)


if __name__ == "__main__":
    main()
