"""Findings of robustness: tables and curves from the sums of noisy windows."""

import math
from collections.abc import Sequence

from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.findings import Cell, Chart, Column, Findings, Series, Table
from genomenet.evaluation.robustness.noisy_windows import Condition, NoiseSums
from genomenet.evaluation.robustness.sentences import robustness_notes, robustness_sentences
from genomenet.evaluation.robustness.shares import NoiseShares, Over

BIT = math.log(2)


class RobustnessFindings:
    """Puts findings together.

    Parameters
    ----------
    sums : NoiseSums
        From `score_noise`.
    unit : str
        What is scored: base or byte.
    """

    def __init__(self, sums: NoiseSums, unit: str) -> None:
        self._sums, self._unit = sums, unit
        self._shares = NoiseShares(sums)
        self._scorers, self._conditions = sums.scorers, sums.conditions
        self._learned = self._shares.learned

    def findings(
        self, created: str, command: str, version: str, inputs: dict[str, str], notes: Sequence[str]
    ) -> Findings:
        """Everything that was found.

        Parameters
        ----------
        created, command, version, inputs
            As in `Findings`.
        notes : sequence of str
            What else is to be said of how it was measured.
        """
        return Findings(
            kind="robustness",
            title="Robustness to noise",
            created=created,
            command=command,
            version=version,
            inputs=inputs,
            sentences=tuple(robustness_sentences(self._shares, self._unit)),
            tables=(
                self._summary(),
                self._share_table("all"),
                self._share_table("kept"),
                self._bits_table(),
                self._change_table(),
                self._differences(),
            ),
            charts=tuple(self._charts()),
            notes=(*robustness_notes(self._shares, self._unit), *notes),
        )

    def _summary(self) -> Table:
        rows: list[tuple[Cell, ...]] = []
        for s, scorer in enumerate(self._scorers):
            clean, base = self._shares.clean_nats(s).centre, self._shares.pairs.get(s)
            row: list[Cell] = [scorer.label, clean / BIT, (self._sums.uniform - clean) / BIT]
            for over in OVER:
                score = self._shares.score(s, over) if s in self._learned else None
                row += [score.centre, _interval(score)] if score else [None, None]
                if base is None:
                    row.append(None)
                else:
                    row.append(_points(self._shares.score_difference(s, base, over)))
            rows.append(tuple(row))
        return Table(
            "summary",
            "Share of the gain over uniform that noise leaves, mean over kinds of noise",
            f"Noisy: every scored {self._unit} of the noisy window. Unedited: only those that the "
            "noise left as they were. Points over baseline: 95 % interval of the paired "
            "difference from the isotropic run of the same mixer.",
            (
                Column("model"),
                Column(f"bits/{self._unit}", "number", 3),
                Column("gain", "number", 3),
                Column("noisy", "share", 1),
                Column("95 %", "share", 1),
                Column("points over baseline", "signed", 1),
                Column("unedited", "share", 1),
                Column("95 % of it", "share", 1),
                Column("points over baseline, unedited", "signed", 1),
            ),
            tuple(rows),
        )

    def _wide(
        self,
        key: str,
        title: str,
        caption: str,
        numbers: list[int],
        cell: Column,
        rows: list[tuple[Cell, ...]],
    ) -> Table:
        """A table with a column for each of some scorers."""
        columns = [Column(self._scorers[s].label, cell.format, cell.decimals) for s in numbers]
        first = (Column("noise"), Column("rate", "share", 0))
        return Table(key, title, caption, (*first, *columns), tuple(rows))

    def _share_table(self, over: Over) -> Table:
        what = "noisy windows" if over == "all" else f"unedited {self._unit}s among noise"
        rows: list[tuple[Cell, ...]] = [
            (*_place(one), *(self._shares.share(s, c, over).centre for s in self._learned))
            for c, one in enumerate(self._conditions)
            if one.perturbation.name in self._shares.kinds(over)
        ]
        return self._wide(
            f"share-{over}",
            f"Kept share of the gain over uniform: {what}",
            "100 % is what the model gains in the clean window, 0 % is uniform; below that a "
            "uniform guess would be better.",
            self._learned,
            Column("", "share", 1),
            rows,
        )

    def _bits_table(self) -> Table:
        numbers = list(range(len(self._scorers)))
        rows: list[tuple[Cell, ...]] = [
            ("none", None, *(self._shares.clean_nats(s).centre / BIT for s in numbers))
        ]
        rows += [
            (*_place(one), *(self._shares.noisy_nats(s, c).centre / BIT for s in numbers))
            for c, one in enumerate(self._conditions)
        ]
        return self._wide(
            "bits",
            f"Bits per {self._unit} of the noisy windows",
            f"Over every scored {self._unit} of the window, noise included.",
            numbers,
            Column("", "number", 3),
            rows,
        )

    def _change_table(self) -> Table:
        numbers = list(range(len(self._scorers)))
        rows: list[tuple[Cell, ...]] = [
            (*_place(one), *(self._shares.change(s, c).centre / BIT for s in numbers))
            for c, one in enumerate(self._conditions)
            if one.perturbation.name in self._shares.kinds("kept")
        ]
        return self._wide(
            "change",
            f"Bits that an unedited {self._unit} costs more among noise",
            f"The same {self._unit}s in the noisy and in the clean window.",
            numbers,
            Column("", "signed", 3),
            rows,
        )

    def _differences(self) -> Table:
        rows: list[tuple[Cell, ...]] = []
        for s, base in self._shares.pairs.items():
            for kind in self._shares.kinds("all"):
                row: list[Cell] = [self._scorers[s].name, self._scorers[base].name, kind]
                for over in OVER:
                    if kind in self._shares.kinds(over):
                        found = self._shares.kind_difference(s, base, kind, over)
                        row += [100 * found.centre, _points(found)]
                    else:
                        row += [None, None]
                rows.append(tuple(row))
        return Table(
            "differences",
            "Kept share minus that of the isotropic baseline, mean over rates",
            "Points of the gain over uniform, paired over windows; above zero the model is the "
            "more robust one.",
            (
                Column("model"),
                Column("baseline"),
                Column("noise"),
                Column("noisy", "signed", 1),
                Column("95 %", "signed", 1),
                Column("unedited", "signed", 1),
                Column("95 % of it", "signed", 1),
            ),
            tuple(rows),
        )

    def _charts(self) -> list[Chart]:
        charts = []
        kinds = dict.fromkeys(o.perturbation.name for o in self._conditions if o.rate is not None)
        for kind in kinds:
            numbers = [c for c, o in enumerate(self._conditions) if o.perturbation.name == kind]
            series = []
            for s in self._learned:
                found = [self._shares.share(s, c, "kept") for c in numbers]
                series.append(
                    Series(
                        self._scorers[s].label,
                        (0.0, *(self._conditions[c].rate or 0.0 for c in numbers)),
                        (1.0, *(one.centre for one in found)),
                        (1.0, *(one.low for one in found)),
                        (1.0, *(one.high for one in found)),
                        control=self._scorers[s].control,
                        of=self._arm(s),
                    )
                )
            charts.append(
                Chart(
                    f"curve-{kind.lower().replace(' ', '-')}",
                    f"What is left among noise: {kind}",
                    f"Kept share of the gain on unedited {self._unit}s; bars are 95 % intervals "
                    "over windows.",
                    "lines",
                    "rate",
                    "kept share",
                    tuple(series),
                    reference=0.0,
                    reference_label="uniform",
                )
            )
        return charts

    def _arm(self, s: int) -> str:
        subject = self._scorers[s].subject
        return subject.arm if subject is not None else ""


OVER: tuple[Over, Over] = ("all", "kept")


def _interval(found: Estimate) -> tuple[float, float]:
    return found.low, found.high


def _points(found: Estimate) -> tuple[float, float]:
    return 100 * found.low, 100 * found.high


def _place(condition: Condition) -> tuple[Cell, Cell]:
    return condition.perturbation.name, condition.rate
