"""Report how big the splits are and how many held-out bases training windows can reach."""

from collections.abc import Sequence
from dataclasses import dataclass

from genomenet.genome.base_counts import BaseCounts
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval, overlap_bp
from genomenet.windows.splits import SPLIT_NAMES, Splits


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
    listed_bp : int
        Bases of the intervals that made the split, those in two of them counted twice.
    reached_bp : int
        Those of a held-out split that a training window can contain; 0 for train.
    """

    total_bp: int
    called_bp: int
    soft_masked_bp: int
    listed_bp: int
    reached_bp: int

    @property
    def soft_masked_share(self) -> float:
        """Soft-masked share of the called bases, 0 when there are none."""
        return self.soft_masked_bp / self.called_bp if self.called_bp else 0.0

    @property
    def reached_share(self) -> float:
        """Share of all bases that a training window can contain, 0 when there are none."""
        return self.reached_bp / self.total_bp if self.total_bp else 0.0

    @property
    def times_listed(self) -> float:
        """How many intervals a base is in, on average; 0 when there are none."""
        return self.listed_bp / self.total_bp if self.total_bp else 0.0


@dataclass(frozen=True, slots=True)
class LeakReport:
    """Sizes of the splits, and what of the held-out bases lies in reach of training windows.

    Attributes
    ----------
    bases : dict of str to SplitBases
        By the name of the split.
    shared_bp : int
        Bases that are both in valid and in test.
    crosses : bool
        Whether training windows are meant to cross the borders of splits, as Caduceus' do.
    unit : str
        What is counted, in the singular.
    """

    bases: dict[str, SplitBases]
    shared_bp: int = 0
    crosses: bool = False
    unit: str = "base"

    @property
    def leak_bp(self) -> int:
        """Held-out bases in reach of training windows."""
        return sum(of.reached_bp for of in self._held_out)

    @property
    def leak_share(self) -> float:
        """Share of the held-out bases in reach of training windows, 0 when none are held out."""
        total_bp = sum(of.total_bp for of in self._held_out)
        return self.leak_bp / total_bp if total_bp else 0.0

    @property
    def _held_out(self) -> tuple[SplitBases, SplitBases]:
        return self.bases["valid"], self.bases["test"]

    def lines(self) -> list[str]:
        """Return the report for the terminal: a line a split, one for the leak, and any remarks."""
        of_bases = self.unit == "base"  # text has neither N nor a soft mask
        more = f"{'without N':>16}{'soft-masked':>13}" if of_bases else ""
        rows = [f"{'split':6}{self.unit + 's':>16}{more}"]
        for name, of in self.bases.items():
            more = f"{of.called_bp:>16,}{of.soft_masked_share:>13.1%}" if of_bases else ""
            rows.append(f"{name:6}{of.total_bp:>16,}{more}")
        reached = ", ".join(
            f"{name} {self.bases[name].reached_bp:,} ({self.bases[name].reached_share:.1%})"
            for name in ("valid", "test")
        )
        rows.append(f"held-out {self.unit}s in reach of training windows: {reached}")
        return rows + self._remarks()

    def _remarks(self) -> list[str]:
        remarks = []
        if self.crosses:
            most = "mostly" if self.leak_share > 0.5 else "partly"
            remarks.append(
                "policy caduceus: training windows cross the borders of splits, so held-out "
                f"scores are {most} scores on training {self.unit}s; strict keeps them apart"
            )
            remarks.append(
                f"an epoch shows each training {self.unit} "
                f"{self.bases['train'].times_listed:.2f} times on average; held-out intervals are "
                "extended like training ones and merged, so that each base is scored once"
            )
        elif listed := {
            name: of.times_listed for name, of in self.bases.items() if of.listed_bp > of.total_bp
        }:
            times = ", ".join(f"{name} {mean:.2f}" for name, mean in listed.items())
            remarks.append(
                f"intervals overlap within a split and are merged; {self.unit}s are listed so "
                f"many times on average: {times}"
            )
        if self.shared_bp:
            remarks.append(f"{self.unit}s both in valid and in test: {self.shared_bp:,}")
        return remarks

    def __str__(self) -> str:
        return "\n".join(self.lines())


def leak_report(splits: Splits, genome: Genome) -> LeakReport:
    """Measure the splits, and what of the held-out ones training windows reach.

    Nothing is read but counts kept with the genome and the blocks at the ends of intervals, where
    the genome keeps such counts.

    Training windows never leave the training intervals, so what they reach is what these cover;
    where windows are to be made as Caduceus makes them, the intervals are already extended.
    """
    return LeakReport(
        bases={name: _measure(name, splits, genome) for name in SPLIT_NAMES},
        shared_bp=overlap_bp(splits.valid, splits.test),
        crosses=bool(splits.published),
        unit=genome.alphabet.unit,
    )


def _measure(name: str, splits: Splits, genome: Genome) -> SplitBases:
    intervals: Sequence[Interval] = getattr(splits, name)
    found = BaseCounts(0, 0, 0)
    for interval in intervals:
        found += genome.count_bases(interval.contig, interval.start, interval.end)
    return SplitBases(
        *found,
        listed_bp=splits.listed_bp.get(name, found.total_bp),
        reached_bp=0 if name == "train" else overlap_bp(splits.train, intervals),
    )
