"""What draws boundaries: a trained model, and the controls that stand beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genomenet.evaluation.boundaries.windows import BoundaryWindows
from genomenet.evaluation.sequences import score_sequences
from genomenet.evaluation.shuffle import shuffle_dinucleotides
from genomenet.evaluation.subject import Subject

Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Stages = tuple[Mask, ...]
"""Boundaries at the bases of one sequence, one array a stage, outermost first."""

TRAINED, UNTRAINED, SHUFFLED, GRID = "", "untrained", "shuffled", "grid"
CONTROLS = (UNTRAINED, SHUFFLED, GRID)


@dataclass(frozen=True)
class Source:
    """Something that draws boundaries.

    Attributes
    ----------
    of : str
        The subject in question.
    control : str
        Which control of it; empty for the trained model.
    prepare : callable
        Takes the codes of a window and its number, and gives what is read in its place.
    decide : callable
        Takes codes, soft masks and numbers of windows, and gives the boundaries of each.
    """

    of: str
    control: str
    prepare: Callable[[Codes, int], Codes]
    decide: Callable[[Sequence[Codes], Sequence[Mask], Sequence[int]], list[Stages]]


def model_sources(subject: Subject, twin: Subject, seed: int = 0) -> list[Source]:
    """The trained model, its untrained twin, and the trained model on shuffled windows.

    Parameters
    ----------
    subject, twin : Subject
        Trained, and as it was before training.
    seed : int
        Of the shuffles; a window has its own, whatever else is shuffled.
    """

    def shuffled(codes: Codes, window: int) -> Codes:
        return shuffle_dinucleotides(codes, np.random.default_rng([seed, window]))

    return [
        Source(subject.name, TRAINED, _as_it_is, _decide_by(subject)),
        Source(subject.name, UNTRAINED, _as_it_is, _decide_by(twin)),
        Source(subject.name, SHUFFLED, shuffled, _decide_by(subject)),
    ]


def grid_source(subject: Subject, periods: Sequence[float], seed: int = 0) -> Source:
    """Boundaries at equal distances, with a random phase in each window, blind to the sequence.

    Parameters
    ----------
    subject : Subject
        The model that it stands beside.
    periods : sequence of float
        Achieved positions per chunk of each stage, outermost first; spacing is rounded where it is
        no whole number. An inner stage counts the chunks of the stage outside.
    seed : int
        Of the phases.
    """

    def decide(
        codes: Sequence[Codes], masks: Sequence[Mask], windows: Sequence[int]
    ) -> list[Stages]:
        return [
            grid_boundaries(one.size, periods, np.random.default_rng([seed, window]))
            for one, window in zip(codes, windows, strict=True)
        ]

    return Source(subject.name, GRID, _as_it_is, decide)


def grid_boundaries(bases: int, periods: Sequence[float], rng: np.random.Generator) -> Stages:
    """A grid over bases, a grid over its chunks, and so on."""
    found = []
    here = np.arange(bases)
    for period in periods:
        phase = rng.uniform(0, period)
        cell = np.floor((np.arange(-1, here.size) + phase) / period)
        here = here[np.diff(cell) > 0]
        boundary = np.zeros(bases, dtype=np.bool_)
        boundary[here] = True
        found.append(boundary)
    return tuple(found)


def decide_windows(source: Source, windows: BoundaryWindows) -> list[Mask]:
    """Boundaries of all windows, one array of shape (windows, bases) a stage."""
    numbers = range(len(windows))
    codes = [source.prepare(windows.codes(i), i) for i in numbers]
    decided = source.decide(codes, [windows.masked(i) for i in numbers], numbers)
    found = [np.zeros(windows.codes_WL.shape, dtype=np.bool_) for _ in decided[0]]
    for row, stages in enumerate(decided):
        for boundary_WL, boundary in zip(found, stages, strict=True):
            boundary_WL[row, : boundary.size] = boundary
    return found


def achieved_periods(stages: Sequence[Mask], windows: BoundaryWindows) -> list[float]:
    """Positions per chunk of each stage; without a boundary, all positions are one chunk."""
    inside_W = np.array([place.length_bp for place in windows.places])
    positions, found = int(inside_W.sum()), []
    for boundary_WL in stages:
        chunks = max(1, int(boundary_WL.sum()))
        found.append(max(1.0, positions / chunks))
        positions = chunks
    return found


def _as_it_is(codes: Codes, window: int) -> Codes:
    return codes


def _decide_by(
    subject: Subject,
) -> Callable[[Sequence[Codes], Sequence[Mask], Sequence[int]], list[Stages]]:
    def decide(
        codes: Sequence[Codes], masks: Sequence[Mask], windows: Sequence[int]
    ) -> list[Stages]:
        scored = score_sequences(subject, codes, masks, with_boundaries=True)
        return [tuple(stage.boundary for stage in one.boundaries) for one in scored]

    return decide
