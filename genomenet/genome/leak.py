"""Report how big the splits are and how many held-out bases training windows can reach."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval, overlap_bp

if TYPE_CHECKING:
    from genomenet.genome.splits import Splits

_READ_BP = 4 << 20


@dataclass(frozen=True, slots=True)
class SplitBases:
    """The bases of one split.

    Attributes
    ----------
    total_bp : int
        All of them.
    called_bp : int
        Those that are not N.
    soft_masked_bp : int
        Those of `called_bp` that are soft-masked.
    """

    total_bp: int
    called_bp: int
    soft_masked_bp: int

    @property
    def soft_masked_share(self) -> float:
        """Soft-masked share of the called bases, 0 when there are none."""
        return self.soft_masked_bp / self.called_bp if self.called_bp else 0.0


@dataclass(frozen=True, slots=True)
class LeakReport:
    """Sizes of the splits, and what of the held-out bases lies in reach of training windows.

    Attributes
    ----------
    bases : dict of str to SplitBases
        By the name of the split.
    valid_leak_bp, test_leak_bp : int
        Validation and test bases that a training window can contain.
    unit : str
        What is counted, in the singular.
    """

    bases: dict[str, SplitBases]
    valid_leak_bp: int
    test_leak_bp: int
    unit: str = "base"

    @property
    def leak_bp(self) -> int:
        """Held-out bases in reach of training windows."""
        return self.valid_leak_bp + self.test_leak_bp

    def lines(self) -> list[str]:
        """Return the report for the terminal, a line a split and one for the leak."""
        of_bases = self.unit == "base"  # text has neither N nor a soft mask
        more = f"{'without N':>16}{'soft-masked':>13}" if of_bases else ""
        rows = [f"{'split':6}{self.unit + 's':>16}{more}"]
        for name, of in self.bases.items():
            more = f"{of.called_bp:>16,}{of.soft_masked_share:>13.1%}" if of_bases else ""
            rows.append(f"{name:6}{of.total_bp:>16,}{more}")
        rows.append(
            f"held-out {self.unit}s in reach of training windows: "
            f"valid {self.valid_leak_bp:,}, test {self.test_leak_bp:,}"
        )
        return rows

    def __str__(self) -> str:
        return "\n".join(self.lines())


def leak_report(splits: "Splits", genome: Genome) -> LeakReport:
    """Measure the splits, reading every base of them once.

    Training windows never leave the training intervals, so what they reach is what these cover.
    """
    return LeakReport(
        bases={f.name: _count(getattr(splits, f.name), genome) for f in fields(splits)},
        valid_leak_bp=overlap_bp(splits.train, splits.valid),
        test_leak_bp=overlap_bp(splits.train, splits.test),
        unit=genome.alphabet.unit,
    )


def _count(intervals: Sequence[Interval], genome: Genome) -> SplitBases:
    total = called = soft_masked = 0
    for interval in intervals:
        for start in range(interval.start, interval.end, _READ_BP):
            end = min(start + _READ_BP, interval.end)
            is_base = genome.read(interval.contig, start, end) < genome.alphabet.scored_codes
            total += end - start
            called += int(np.count_nonzero(is_base))
            masked = genome.read_mask(interval.contig, start, end)
            soft_masked += int(np.count_nonzero(is_base & masked))
    return SplitBases(total, called, soft_masked)
