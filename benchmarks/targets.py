"""The targets of speed, and in how many of the cases measured each of them holds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from _record import RESULTS
from _results import rows
from _tables import Row, draw

OTHERS = (RESULTS / "zen5",)
"""Results of other processors, which `make bench` leaves alone."""


@dataclass(frozen=True)
class Target:
    """One number that is wanted of all cases.

    Attributes
    ----------
    what : str
        Of which cases.
    least, most : float or None
        The bound; one of them is given.
    values : callable
        The numbers of all cases in a folder of results.
    unit : str
        Behind a number: "x" stands before it instead.
    """

    what: str
    values: Callable[[Path], list[float]]
    least: float | None = None
    most: float | None = None
    unit: str = "x"

    @property
    def wanted(self) -> str:
        """The bound in words."""
        if self.least is not None:
            return f"at least {self._shown(self.least)}"
        assert self.most is not None
        return f"at most {self._shown(self.most)}"

    def found(self, folder: Path) -> tuple[str, str]:
        """The worst and the best of what was found, and in how many cases it is as wanted."""
        found = sorted(self.values(folder))
        if not found:
            return "not measured", ""
        least = float("-inf") if self.least is None else self.least
        most = float("inf") if self.most is None else self.most
        holds = sum(least <= value <= most for value in found)
        return f"{self._shown(found[0])} to {self._shown(found[-1])}", f"{holds} of {len(found)}"

    def _shown(self, value: float) -> str:
        return f"x{value:.2f}" if self.unit == "x" else f"{value:.2f} {self.unit}"


def peers(folder: Path, arm: str, their: str = "") -> list[float]:
    """Times as fast as transformers; as fast as its fastest setting where none is named."""
    cases: dict[tuple, list[float]] = {}
    for row in rows("training", "Beside transformers, with the same weights", folder):
        if row["arm"] == arm and their in (row["theirs"], ""):
            case = row["parameters"], row["window"], row["precision"]
            cases.setdefault(case, []).append(row["ours is"])
    return [min(ratios) for ratios in cases.values()]


def per_flop(folder: Path, column: str) -> list[float]:
    """H-Net's time per FLOP over the isotropic arm's."""
    found = rows("training", "H-Net beside the isotropic arm of the same mixer", folder)
    return [row[column] for row in found]


def decoding(folder: Path, arm: str, batch: int) -> list[float]:
    """Times as fast as the isotropic arm of as many parameters."""
    found = rows("inference", "Decoding", folder)
    return [
        row["times"]
        for row in found
        if row.get("times") and row["arm"].startswith(arm) and row["batch"] == batch
    ]


def seconds(folder: Path, table: str) -> list[float]:
    """Of the start-up benchmark."""
    return [row["seconds"] for row in rows("startup", table, folder)]


TARGETS = (
    Target("Mamba-2 in training, beside transformers' default chunk size",
           lambda results: peers(results, "Mamba-2", "chunk size 256"), least=5.0),
    Target("Mamba-2 in training, beside transformers' best chunk size",
           lambda results: peers(results, "Mamba-2"), least=2.5),
    Target("Transformer in training, beside transformers' Llama",
           lambda results: peers(results, "Transformer"), least=1.0),
    Target("BLT in training, beside transformers' Blt",
           lambda results: peers(results, "BLT"), least=3.0),
    Target("H-Net's time per nominal FLOP, over the isotropic arm's",
           lambda results: per_flop(results, "time per nominal FLOP"), most=1.25),
    Target("H-Net's time per executed FLOP, over the isotropic arm's",
           lambda results: per_flop(results, "executed"), most=1.25),
    Target("H-Net decoding one row, beside the isotropic arm",
           lambda results: decoding(results, "H-Net", 1), least=1.5),
    Target("H-Net decoding 32 rows, beside the isotropic arm",
           lambda results: decoding(results, "H-Net", 32), least=1.5),
    Target("BLT decoding one row, beside the isotropic arm",
           lambda results: decoding(results, "BLT", 1), least=1.5),
    Target("BLT decoding 32 rows, beside the isotropic arm",
           lambda results: decoding(results, "BLT", 32), least=1.5),
    Target("From launch to the first training step", lambda results: seconds(results, "First step"),
           most=5.0, unit="s"),
    Target("Help of any verb", lambda results: seconds(results, "Help"), most=1.0, unit="s"),
)  # fmt: skip


def table() -> str:
    """All targets in Markdown: what the page's machine has, and what others have."""
    folders = {"": RESULTS} | {f", {folder.name}": folder for folder in OTHERS}
    lines = []
    for target in TARGETS:
        line: Row = {"what": target.what, "wanted": target.wanted}
        for name, folder in folders.items():
            line[f"found{name}"], line[f"holds{name}"] = target.found(folder)
        lines.append(line)
    columns = {"what": ("target", ""), "wanted": ("wanted", "")}
    for name in folders:
        columns |= {f"found{name}": (f"found{name}", ""), f"holds{name}": (f"holds in{name}", "")}
    return draw(lines, columns)
