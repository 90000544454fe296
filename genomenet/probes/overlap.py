"""Which rows of tasks a model has seen in pre-training: by their place, else by their bases."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genomenet.genome.alphabet import COMPLEMENT, reverse_complement
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval, overlaps_bp
from genomenet.probes.task import Codes, Task

WORD_BP = 32
"""Two bits a base: a word fills 64 bits, so that no two words are mistaken for each other."""

SEEN_SHARE = 0.5
"""Of a row's words that must occur in the training split."""

_BLOCK_BP = 1 << 20

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Overlap:
    """What is known of the rows of a task.

    Attributes
    ----------
    seen : ndarray of bool, shape (rows,)
        Whether the row is in the training split: its place overlaps it, where the file tells a
        place at which the run's genome has these bases; else at least half of its 32-mers, of
        either strand, occur in the split.
    placed : int
        Rows that were decided by their place.
    short : int
        Rows without place and 32 known bases in a row, of which nothing can be told; they count
        as not seen.
    """

    seen: npt.NDArray[np.bool_]
    placed: int
    short: int


def find_overlaps(
    tasks: Sequence[Task],
    genome: Genome,
    training: Sequence[Interval],
    names: ContigNames,
    progress: Callable[[int], object] | None = None,
) -> list[Overlap]:
    """Compare the rows of tasks with the bases that a model was trained on.

    Parameters
    ----------
    tasks : sequence of Task
        Whose rows.
    genome : Genome
        That the model was trained on.
    training : sequence of Interval
        Its training split. It is read once, block by block: memory goes with the tasks, 8 bytes
        for every different 32-mer, whatever the genome.
    names : ContigNames
        How the tasks may call its contigs.
    progress : callable, optional
        Called with the number of training bases just searched.
    """
    places = [[_checked_place(task, row, genome, names) for row in _rows(task)] for task in tasks]
    words = [
        [_words(task.sequences[row]) if place is None else _none() for row, place in enumerate(own)]
        for task, own in zip(tasks, places, strict=True)
    ]
    wanted = np.unique(np.concatenate([_none(), *(one for own in words for one in own)]))
    there = _occur(wanted, genome, training, progress)
    found = []
    for own_places, own_words in zip(places, words, strict=True):
        seen = np.array(
            [
                len(one) > 0 and there[np.searchsorted(wanted, one)].mean() >= SEEN_SHARE
                for one in own_words
            ],
            dtype=bool,
        )
        known = [row for row, place in enumerate(own_places) if place is not None]
        seen[known] = overlaps_bp([place for place in own_places if place], training) > 0
        short = sum(
            place is None and not len(one) for place, one in zip(own_places, own_words, strict=True)
        )
        found.append(Overlap(seen, len(known), short))
    return found


def _rows(task: Task) -> range:
    return range(len(task.sequences))


def _none() -> Words:
    return np.zeros(0, dtype=np.uint64)


def _checked_place(task: Task, row: int, genome: Genome, names: ContigNames) -> Interval | None:
    """Where a row is on the genome, if its bases are there: another assembly has others."""
    place, codes = task.places[row], task.sequences[row]
    own = names.find(place.contig) if place is not None else None
    if place is None or own is None or place.end > names.lengths_bp[own]:
        return None
    if place.length_bp != len(codes):
        return None
    here = genome.read(own, place.start, place.end)
    if not (np.array_equal(here, codes) or np.array_equal(reverse_complement(here), codes)):
        return None
    return Interval(own, place.start, place.end)


def _occur(
    wanted: Words,
    genome: Genome,
    training: Sequence[Interval],
    progress: Callable[[int], object] | None,
) -> npt.NDArray[np.bool_]:
    """Whether each of the sorted words is anywhere in the training split."""
    there = np.zeros(len(wanted), dtype=bool)
    for piece in _blocks(training) if len(wanted) else ():
        words = np.sort(_words(genome.read(piece.contig, piece.start, piece.end)))
        at = np.minimum(np.searchsorted(wanted, words), len(wanted) - 1)
        there[at[wanted[at] == words]] = True
        if progress is not None:
            progress(piece.length_bp)
    return there


def _blocks(intervals: Sequence[Interval]) -> Iterator[Interval]:
    """Pieces that overlap so far that no word is lost between two."""
    for whole in intervals:
        for start in range(whole.start, max(whole.start + 1, whole.end - WORD_BP + 1), _BLOCK_BP):
            yield Interval(whole.contig, start, min(whole.end, start + _BLOCK_BP + WORD_BP - 1))


def _words(codes: Codes) -> Words:
    """The 32-mers without N, each as the smaller one of its two strands."""
    if len(codes) < WORD_BP:
        return _none()
    forward = codes.astype(np.uint64)
    backward = COMPLEMENT[codes].astype(np.uint64)
    known = codes < 4
    width = 1
    while width < WORD_BP:
        shift = np.uint64(2 * width)
        forward = (forward[:-width] << shift) | forward[width:]
        backward = (backward[width:] << shift) | backward[:-width]
        known = known[:-width] & known[width:]
        width *= 2
    return np.minimum(forward, backward)[known]
