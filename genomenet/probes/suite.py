"""All probes of all models on all tasks: the same rows and the same choices for everybody."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from genomenet.evaluation.subject import Subject
from genomenet.probes.embeddings import Features
from genomenet.probes.fit import STRENGTHS, Fitted, draw_rows, fit_probe
from genomenet.probes.overlap import Overlap
from genomenet.probes.scores import Scored, score
from genomenet.probes.task import Task
from genomenet.probes.trivial import gc_and_length, kmer_counts

KMERS, TUNED_KMERS, GC_LENGTH = "4-mers", "4-mers, tuned", "GC and length"
FLOORS = (KMERS, TUNED_KMERS, GC_LENGTH)
KMER_STRENGTH = 0.01
"""Of the plain floor: fixed, so that its figures can be compared between reports."""

REFERENCE_ROWS = 6000

Kind = Literal["model", "twin", "floor"]


@dataclass(frozen=True)
class Contender:
    """Something that makes features of sequences.

    Attributes
    ----------
    name : str
        Of the run; a twin has that of its run.
    kind : {"model", "twin", "floor"}
        What it is.
    features : callable
        Gives those of a task's rows.
    strengths : tuple of float
        Inverse regularisations to choose from.
    subject : Subject or None
        Where it is a model.
    """

    name: str
    kind: Kind
    features: Callable[[Task], Features]
    strengths: tuple[float, ...] = STRENGTHS
    subject: Subject | None = None


@dataclass(frozen=True)
class Outcome:
    """What a contender reached on a task.

    Attributes
    ----------
    scored : Scored
        On all test rows.
    fitted : tuple of Fitted
        One a seed.
    options : int
        Layers and poolings that it could choose from.
    """

    scored: Scored
    fitted: tuple[Fitted, ...]
    options: int

    @property
    def chosen(self) -> str:
        """The features chosen most often."""
        return Counter(one.chosen for one in self.fitted).most_common(1)[0][0]


@dataclass
class TaskResults:
    """Everything about one task.

    Attributes
    ----------
    task : Task
        The rows that were used.
    rows : tuple of int
        Train and test rows that the file has.
    reference : float
        MCC (or R2) of the plain 4-mer floor on at most 6,000 train rows and all test rows.
    outcomes : dict
        From shots (0 is all rows), kind and name of the contender.
    skipped : list of int
        Shots for which a class has too few rows.
    overlaps : dict of str to Overlap
        By name of the model; none for models whose training data are not known.
    seen : dict of str to tuple
        By name of the model, its scores with all train rows on seen and on unseen test rows; None
        for a part that is too small to score.
    """

    task: Task
    rows: tuple[int, int]
    reference: float
    outcomes: dict[tuple[int, Kind, str], Outcome] = field(default_factory=dict)
    skipped: list[int] = field(default_factory=list)
    overlaps: dict[str, Overlap] = field(default_factory=dict)
    seen: dict[str, tuple[Scored | None, Scored | None]] = field(default_factory=dict)

    def best_floor(self, shots: int) -> tuple[str, Outcome]:
        """The floor that scores highest with so many rows, and its name."""
        floors = {
            name: outcome
            for (number, kind, name), outcome in self.outcomes.items()
            if number == shots and kind == "floor"
        }
        name = max(floors, key=lambda one: floors[one].scored.sure.centre)
        return name, floors[name]


def floors() -> list[Contender]:
    """What needs no model: 4-mers with fixed and with chosen regularisation; GC and length."""
    return [
        Contender(
            KMERS, "floor", lambda task: {KMERS: kmer_counts(task.sequences)}, (KMER_STRENGTH,)
        ),
        Contender(TUNED_KMERS, "floor", lambda task: {KMERS: kmer_counts(task.sequences)}),
        Contender(GC_LENGTH, "floor", lambda task: {GC_LENGTH: gc_and_length(task.sequences)}),
    ]


def probe_task(
    whole: Task,
    used: Task,
    contenders: Sequence[Contender],
    overlaps: Mapping[str, Overlap],
    shots: Sequence[int],
    seeds: int,
    progress: Callable[[str], object] | None = None,
) -> TaskResults:
    """Probe every contender on one task.

    Parameters
    ----------
    whole, used : Task
        All rows of the file; those to use.
    contenders : sequence of Contender
        Models, twins, floors.
    overlaps : mapping of str to Overlap
        Of the used rows, by name of the model.
    shots : sequence of int
        Train rows of each class; 0 is all.
    seeds : int
        How many; each draws train rows and folds of its own, the same for all contenders.
    progress : callable, optional
        Called with the name of each contender that is done.
    """
    results = TaskResults(
        used, (len(whole.train), len(whole.test)), _reference(whole), overlaps=dict(overlaps)
    )
    for contender in contenders:
        features = contender.features(used)
        for number in shots:
            fitted = _fit_all(contender, used, features, number, seeds)
            if fitted is None:
                if number not in results.skipped:
                    results.skipped.append(number)
                continue
            scored = score(used, [one.predictions for one in fitted])
            outcome = Outcome(scored, tuple(fitted), len(features))
            results.outcomes[number, contender.kind, contender.name] = outcome
            if not number and contender.kind == "model" and contender.name in overlaps:
                seen = overlaps[contender.name].seen[used.test]
                results.seen[contender.name] = (
                    _part(used, fitted, seen),
                    _part(used, fitted, ~seen),
                )
        if progress is not None:
            progress(contender.name)
    return results


def _fit_all(
    contender: Contender, task: Task, features: Features, shots: int, seeds: int
) -> list[Fitted] | None:
    fitted = []
    for seed in range(seeds):
        rows = draw_rows(task, shots, seed)
        if rows is None:
            return None
        fitted.append(fit_probe(task, features, rows, seed, contender.strengths))
    return fitted


def _part(task: Task, fitted: Sequence[Fitted], among: np.ndarray) -> Scored | None:
    """Scores on some test rows; None when their truth has nothing to tell apart."""
    if len(np.unique(task.labels[task.test][among])) < 2:
        return None
    return score(task, [one.predictions for one in fitted], among)


def _reference(whole: Task) -> float:
    task = whole.limited(REFERENCE_ROWS, 0, 0)
    plain = floors()[0]
    fitted = fit_probe(task, plain.features(task), task.train, 0, plain.strengths)
    return score(task, [fitted.predictions]).sure.centre
