"""Measures of many scores of the same variants: overall, by class, and against trivial ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genomenet.evaluation.edits.ranking import (
    Measure,
    Rows,
    auprc,
    auroc,
    block_draws,
    interval,
    spearman,
)
from genomenet.evaluation.findings import Cell, Column, Table

MINIMUM = 10
"""Variants of each label in a class that gets numbers of its own, or in all without labels."""

DRAWS = 200

FEWEST_BLOCKS = 5
"""Fewer give no interval: one from a single block would have no width at all."""

LABEL_MEASURES: dict[str, Measure] = {"AUROC": auroc, "AUPRC": auprc}
NUMBER_MEASURES: dict[str, Measure] = {"Spearman": spearman}


@dataclass(frozen=True)
class Predictor:
    """A score of every variant, higher for what is thought to matter more.

    Attributes
    ----------
    name, kind : str
        What tables call it; "model", "not comparable", "untrained", "Markov" or "trivial".
    values : ndarray of float64, shape (variants,)
        The score.
    """

    name: str
    kind: str
    values: np.ndarray

    @property
    def trivial(self) -> bool:
        """Whether a model has to beat it."""
        return self.kind in {"Markov", "trivial"}


@dataclass(frozen=True)
class Ranked:
    """What is ranked: the rows that have a truth, in blocks and in classes.

    Attributes
    ----------
    truth : ndarray of float64, shape (variants,)
        Labels or measured numbers; nan for none.
    block, group : ndarray, shape (variants,)
        Stretch of the genome, and class.
    measures : dict of str to callable
        How well a score ranks the truth.
    """

    truth: np.ndarray
    block: np.ndarray
    group: np.ndarray
    measures: dict[str, Measure]

    @property
    def kept(self) -> Rows:
        """Rows with a truth."""
        return np.flatnonzero(np.isfinite(self.truth))

    def classes(self) -> dict[str, Rows]:
        """Rows of each class that has enough of them."""
        kept = self.kept
        found = {
            str(name): kept[self.group[kept] == name]
            for name in np.unique(self.group[kept])
            if name
        }
        return {name: rows for name, rows in found.items() if self._enough(rows)}

    def _enough(self, rows: Rows) -> bool:
        if "AUROC" not in self.measures:
            return rows.size >= MINIMUM
        return bool(MINIMUM <= self.truth[rows].sum() <= rows.size - MINIMUM)

    def of(self, measure: Measure, one: Predictor, rows: Rows) -> float:
        """A measure of a score on some rows."""
        return measure(self.truth[rows], one.values[rows])

    def macro(self, measure: Measure, one: Predictor, rows: Rows, classes: Sequence[str]) -> float:
        """Plain mean over classes; nan where a class has no value among the rows."""
        inside = [rows[self.group[rows] == name] for name in classes]
        return float(np.mean([self.of(measure, one, at) for at in inside]))

    def samples(self, rows: Rows) -> list[Rows]:
        """Bootstrap samples of rows, in blocks; none from too few blocks to tell anything."""
        if np.unique(self.block[rows]).size < FEWEST_BLOCKS:
            return []
        return [rows[drawn] for drawn in block_draws(self.block[rows], DRAWS)]


def overall(
    key: str, title: str, caption: str, ranked: Ranked, predictors: Sequence[Predictor]
) -> Table:
    """Every measure of every score over all rows, and as the mean over classes."""
    classes = list(ranked.classes())
    kept = ranked.kept
    samples = ranked.samples(kept)
    rows: list[tuple[Cell, ...]] = []
    for one in predictors:
        cells: list[Cell] = [one.name, one.kind, kept.size]
        for measure in ranked.measures.values():
            cells += [
                ranked.of(measure, one, kept),
                interval(lambda at, m=measure, p=one: ranked.of(m, p, at), samples),  # type: ignore[misc]
            ]
            if classes:
                cells += [
                    ranked.macro(measure, one, kept, classes),
                    interval(
                        lambda at, m=measure, p=one: ranked.macro(m, p, at, classes),  # type: ignore[misc]
                        samples,
                    ),
                ]
        rows.append(tuple(cells))
    columns = [Column("score"), Column("kind"), Column("variants", "count")]
    for name in ranked.measures:
        for head in (name, f"macro {name}") if classes else (name,):
            columns += [_number(head, name), _number("95 %", name)]
    return Table(key, title, caption, tuple(columns), tuple(rows))


def by_stratum(
    key: str,
    title: str,
    ranked: Ranked,
    predictors: Sequence[Predictor],
    strata: dict[str, Rows],
) -> list[Table]:
    """Every measure of every score within each stratum; no table without strata."""
    rows: list[tuple[Cell, ...]] = []
    for name, members in strata.items():
        samples = ranked.samples(members)
        for one in predictors:
            cells: list[Cell] = [name, one.name, one.kind, members.size]
            if "AUROC" in ranked.measures:
                cells.append(int(ranked.truth[members].sum()))
            for measure in ranked.measures.values():
                cells += [
                    ranked.of(measure, one, members),
                    interval(lambda at, m=measure, p=one: ranked.of(m, p, at), samples),  # type: ignore[misc]
                ]
            rows.append(tuple(cells))
    if not rows:
        return []
    columns = [Column("part"), Column("score"), Column("kind"), Column("variants", "count")]
    if "AUROC" in ranked.measures:
        columns.append(Column("pathogenic", "count"))
    for name in ranked.measures:
        columns += [_number(name, name), _number("95 %", name)]
    caption = (
        f"Classes with at least {MINIMUM} variants"
        + (" of each label" if "AUROC" in ranked.measures else "")
        + "."
        if key.endswith("classes")
        else "Models saw the reference alleles in the training split, and no labels."
    )
    return [Table(key, title, caption, tuple(columns), tuple(rows))]


def against_trivial(ranked: Ranked, predictors: Sequence[Predictor]) -> list[str]:
    """Each model against the trivial score that is furthest from chance, whatever its sign.

    Choosing the best of several on the same variants favours it a little, never the model.
    """
    kept = ranked.kept
    trivial = [one for one in predictors if one.trivial]
    best = max(trivial, key=lambda one: abs(ranked.of(auroc, one, kept) - 0.5))
    turned = ranked.of(auroc, best, kept) < 0.5
    against = Predictor(best.name, best.kind, -best.values if turned else best.values)
    samples = ranked.samples(kept)
    said = []
    for one in predictors:
        if one.kind != "model":
            continue

        def gain(rows: Rows, one: Predictor = one) -> float:
            return ranked.of(auroc, one, rows) - ranked.of(auroc, against, rows)

        low, high = interval(gain, samples)
        verdict = "beats" if low > 0 else "is worse than" if high < 0 else "can't be told from"
        said.append(
            f"{one.name} {verdict} the best trivial score, {best.name}"
            f"{' (turned round)' if turned else ''}: AUROC differs by {gain(kept):+.3f} "
            f"(95 % {low:+.3f} to {high:+.3f})."
        )
        low, high = interval(lambda at, p=one: ranked.of(auroc, p, at), samples)  # type: ignore[misc]
        if high < 0.5:
            said.append(f"{one.name} ranks the wrong way: its AUROC is below 0.5.")
        elif low <= 0.5:
            said.append(f"{one.name} can't be told from chance: its interval includes 0.5.")
    return said


def _number(heading: str, measure: str) -> Column:
    return Column(heading, "signed" if measure == "Spearman" else "number")
