"""The targets of speed, and in how many of the cases measured each of them holds."""

from collections.abc import Callable
from dataclasses import dataclass

from _results import rows
from _tables import Row, draw


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
        The numbers of all cases.
    unit : str
        Behind a number: "x" stands before it instead.
    """

    what: str
    values: Callable[[], list[float]]
    least: float | None = None
    most: float | None = None
    unit: str = "x"

    def row(self) -> Row:
        """What is wanted, what was found, and how often it holds."""
        found = sorted(self.values())
        bound = self.most if self.least is None else self.least
        assert bound is not None
        wanted = f"at {'least' if self.least is not None else 'most'} {self._shown(bound)}"
        if not found:
            return {"what": self.what, "wanted": wanted, "found": "not measured", "holds": ""}
        holds = sum(value >= bound if self.least is not None else value <= bound for value in found)
        return {
            "what": self.what,
            "wanted": wanted,
            "found": f"{self._shown(found[0])} to {self._shown(found[-1])}",
            "holds": f"{holds} of {len(found)}",
        }

    def _shown(self, value: float) -> str:
        return f"x{value:.2f}" if self.unit == "x" else f"{value:.2f} {self.unit}"


def peers(arm: str, their: str = "") -> list[float]:
    """Times as fast as transformers; as fast as its fastest setting where none is named."""
    cases: dict[tuple, list[float]] = {}
    for row in rows("training", "Beside transformers, with the same weights"):
        if row["arm"] == arm and their in (row["theirs"], ""):
            case = row["parameters"], row["window"], row["precision"]
            cases.setdefault(case, []).append(row["ours is"])
    return [min(ratios) for ratios in cases.values()]


def per_flop(column: str) -> list[float]:
    """H-Net's time per FLOP over the isotropic arm's."""
    found = rows("training", "H-Net beside the isotropic arm of the same mixer")
    return [row[column] for row in found]


def decoding(arm: str, batch: int) -> list[float]:
    """Times as fast as the isotropic arm of as many parameters."""
    found = rows("inference", "Decoding")
    return [
        row["times"]
        for row in found
        if row.get("times") and row["arm"].startswith(arm) and row["batch"] == batch
    ]


def seconds(table: str) -> list[float]:
    """Of the start-up benchmark."""
    return [row["seconds"] for row in rows("startup", table)]


TARGETS = (
    Target("Mamba-2 in training, beside transformers' default chunk size",
           lambda: peers("Mamba-2", "chunk size 256"), least=5.0),
    Target("Mamba-2 in training, beside transformers' best chunk size",
           lambda: peers("Mamba-2"), least=2.5),
    Target("Transformer in training, beside transformers' Llama",
           lambda: peers("Transformer"), least=1.0),
    Target("BLT in training, beside transformers' Blt", lambda: peers("BLT"), least=3.0),
    Target("H-Net's time per nominal FLOP, over the isotropic arm's",
           lambda: per_flop("time per nominal FLOP"), most=1.25),
    Target("H-Net's time per executed FLOP, over the isotropic arm's",
           lambda: per_flop("executed"), most=1.25),
    Target("H-Net decoding one row, beside the isotropic arm",
           lambda: decoding("H-Net", 1), least=1.5),
    Target("H-Net decoding 32 rows, beside the isotropic arm",
           lambda: decoding("H-Net", 32), least=1.5),
    Target("BLT decoding one row, beside the isotropic arm",
           lambda: decoding("BLT", 1), least=1.5),
    Target("BLT decoding 32 rows, beside the isotropic arm",
           lambda: decoding("BLT", 32), least=1.5),
    Target("From launch to the first training step", lambda: seconds("First step"),
           most=5.0, unit="s"),
    Target("Help of any verb", lambda: seconds("Help"), most=1.0, unit="s"),
)  # fmt: skip


def table() -> str:
    """All targets in Markdown."""
    return draw(
        (target.row() for target in TARGETS),
        {
            "what": ("target", ""),
            "wanted": ("wanted", ""),
            "found": ("found", ""),
            "holds": ("cases in which it holds", ""),
        },
    )
