"""A probe task: sequences with labels, and which of them are to learn from."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.genome.intervals import Interval

Codes = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]

TRAIN, VALID, TEST = "train", "valid", "test"


@dataclass(frozen=True)
class Example:
    """One row of a task.

    Attributes
    ----------
    codes : ndarray of uint8, shape (bases,)
        The sequence.
    label : str
        Its class, or a number.
    split : str
        "train", "valid" or "test"; empty when the file tells none.
    place : Interval or None
        Where the file says that it comes from.
    """

    codes: Codes
    label: str
    split: str
    place: Interval | None = None


@dataclass(frozen=True)
class Task:
    """Rows to learn from and rows to be judged on.

    Attributes
    ----------
    name : str
        Of the file, without its endings.
    sequences : tuple of ndarray of uint8
        Codes of each row.
    labels : ndarray, shape (rows,)
        Places in `classes` (int64), or numbers (float64) where there are no classes.
    classes : tuple of str
        Names, sorted; empty for numbers.
    train, test : ndarray of int64
        Rows.
    places : tuple of Interval or None
        Where each row says it comes from.
    notes : tuple of str
        How the rows were split, and what was left out.
    """

    name: str
    sequences: tuple[Codes, ...]
    labels: np.ndarray
    classes: tuple[str, ...]
    train: Rows
    test: Rows
    places: tuple[Interval | None, ...]
    notes: tuple[str, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether labels are numbers."""
        return not self.classes

    @property
    def digest(self) -> str:
        """SHA-256 of sequences, labels and splits."""
        hasher = hashlib.sha256(sequences_digest(self.sequences).encode())
        for part in (self.labels, self.train, self.test):
            hasher.update(part.tobytes())
        return hasher.hexdigest()

    def limited(self, train_rows: int, test_rows: int, seed: int) -> "Task":
        """The task with at most so many rows, drawn by a seed; 0 keeps all."""
        generator = np.random.default_rng(seed)
        train = _at_most(self.train, train_rows, generator)
        test = _at_most(self.test, test_rows, generator)
        kept = np.concatenate([train, test])
        return replace(
            self,
            sequences=tuple(self.sequences[row] for row in kept),
            labels=self.labels[kept],
            places=tuple(self.places[row] for row in kept),
            train=np.arange(len(train)),
            test=np.arange(len(train), len(kept)),
        )


def make_task(name: str, examples: Sequence[Example], source: str, seed: int = 0) -> Task:
    """A task of rows that were read.

    Parameters
    ----------
    name : str
        What to call it.
    examples : sequence of Example
        Its rows.
    source : str
        What to call the file in errors.
    seed : int
        Of the split, where the rows tell none.

    Raises
    ------
    UserError
        When there is nothing to learn, or nothing to be judged on.
    """
    labels, classes = _labels([example.label for example in examples])
    splits = np.array([example.split for example in examples])
    notes: list[str] = []
    if not any(splits):
        splits = _drawn_splits(labels, bool(classes), seed)
        notes.append(
            f"{name}: the file has no split; a fifth of the rows is tested on (seed {seed})"
        )
    train, test = (np.flatnonzero(splits == split) for split in (TRAIN, TEST))
    if left := int((splits == VALID).sum()):
        notes.append(f"{name}: {left:,} validation rows are not used")
    for rows, split in ((train, TRAIN), (test, TEST)):
        if not len(rows):
            raise UserError(f"{source} has no {split} row; a task needs both train and test rows")
    if classes and len(np.unique(labels[train])) < 2:
        raise UserError(f"{source} has a single class among its train rows; give at least two")
    return Task(
        name,
        tuple(example.codes for example in examples),
        labels,
        classes,
        train,
        test,
        tuple(example.place for example in examples),
        tuple(notes),
    )


def sequences_digest(sequences: Sequence[Codes]) -> str:
    """SHA-256 of sequences in their order."""
    hasher = hashlib.sha256()
    for codes in sequences:
        hasher.update(len(codes).to_bytes(8, "little"))
        hasher.update(codes.astype(np.uint8).tobytes())
    return hasher.hexdigest()


def _labels(words: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Numbers when all labels are and one is not whole; else places among the sorted classes."""
    try:
        numbers = np.array([float(word) for word in words])
    except ValueError:
        numbers = np.zeros(0)
    if numbers.size and np.isfinite(numbers).all() and (numbers % 1 != 0).any():
        return numbers, ()
    classes = tuple(sorted(set(words)))
    place = {name: number for number, name in enumerate(classes)}
    return np.array([place[word] for word in words], dtype=np.int64), classes


def _drawn_splits(labels: np.ndarray, classes: bool, seed: int) -> np.ndarray:
    """Every fifth row of each class, in an order that the seed draws, is for testing."""
    generator = np.random.default_rng(seed)
    splits = np.full(len(labels), TRAIN)
    for label in np.unique(labels) if classes else [None]:
        rows = np.flatnonzero(labels == label) if classes else np.arange(len(labels))
        splits[generator.permutation(rows)[: len(rows) // 5]] = TEST
    return splits


def _at_most(rows: Rows, limit: int, generator: np.random.Generator) -> Rows:
    if not limit or len(rows) <= limit:
        return rows
    return np.sort(generator.permutation(rows)[:limit])
