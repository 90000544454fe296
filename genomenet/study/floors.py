"""The trivial rows beside the arms: uniform, base composition, and Markov models of every order."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval, spread_windows
from genomenet.genome.markov import STRENGTH_BP, fit, score
from genomenet.study.results import Floor

_READ_BYTES = 4 << 20


def trivial_floors(
    genome: Genome,
    training: Iterable[Interval],
    validation: Iterable[Interval],
    held_out: Sequence[Interval],
    max_order: int = 11,
    both_strands: bool = False,
) -> list[Floor]:
    """Score uniform, base composition and Markov models of every order on the held-out windows.

    Parameters
    ----------
    genome : Genome
        Where codes are read.
    training : iterable of Interval
        Training split; words are counted here only.
    validation : iterable of Interval
        Validation split, cut into windows as long as the held-out ones; back-off strengths are
        chosen here.
    held_out : sequence of Interval
        The windows the arms are scored on.
    max_order : int
        Longest context in bases, at most 12; order 11 takes about 1 GB of memory, 12 about 4.
    both_strands : bool
        True when the arms train with reverse-complement augmentation.

    Returns
    -------
    list of Floor
        Uniform, base composition (order 0), then order 1 upwards; nats per held-out base. For
        text there are uniform and byte composition only.

    Raises
    ------
    UserError
        When `max_order` is not in 0 to 12 or the held-out windows hold no A, C, G or T.
    """
    if not 0 <= max_order <= 12:
        raise UserError(f"the Markov order is {max_order}; choose 0 to 12 (12 takes 4 GB).")
    if not genome.alphabet.complementable:
        return _floors_of_text(genome, training, held_out)
    window_bp = max((window.length_bp for window in held_out), default=1)
    thinned = spread_windows(validation, window_bp, STRENGTH_BP)
    model = fit(genome, training, thinned, max_order, both_strands)
    nats, bases = score(genome, held_out, model)
    if bases == 0:
        raise UserError("the held-out windows hold no A, C, G or T; choose another held-out split.")
    strands = "both strands" if both_strands else "the forward strand"
    floors = [Floor("uniform", math.log(4), "every base has probability 1/4")]
    for order, (total, strength) in enumerate(zip(nats, model.strengths, strict=True)):
        name = f"order-{order} Markov" if order else "base composition"
        below = f"order {order - 1}" if order else "uniform"
        floors.append(
            Floor(
                name,
                float(total) / bases,
                f"counts of {strands} of the training split; {strength:g} pseudo-counts "
                f"from {below}, chosen on the validation split",
            )
        )
    return floors


def _floors_of_text(
    genome: Genome, training: Iterable[Interval], held_out: Iterable[Interval]
) -> list[Floor]:
    codes = genome.alphabet.scored_codes
    trained, scored = (_counts(genome, intervals, codes) for intervals in (training, held_out))
    log_p = np.log((trained + 1) / (trained.sum() + codes))
    return [
        Floor("uniform", math.log(codes), f"every byte has probability 1/{codes}"),
        Floor(
            "byte composition",
            float(-(scored * log_p).sum() / scored.sum()),
            "counts of the training split, and 1 for every byte",
        ),
    ]


def _counts(genome: Genome, intervals: Iterable[Interval], codes: int) -> npt.NDArray[np.int64]:
    """How often each code comes, shape (codes,)."""
    total = np.zeros(codes, dtype=np.int64)
    for whole in intervals:
        for start in range(whole.start, whole.end, _READ_BYTES):
            end = min(start + _READ_BYTES, whole.end)
            total += np.bincount(genome.read(whole.contig, start, end), minlength=codes)
    return total


def best_floor(floors: Sequence[Floor]) -> Floor | None:
    """Return the trivial row that predicts the held-out bases best, or None without rows.

    The best is chosen on the held-out windows themselves, which favours the trivial rows: an arm
    that beats this one beats them all.
    """
    return min(floors, key=lambda floor: floor.nats, default=None)
