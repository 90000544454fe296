"""Order-k Markov models of DNA: word counts of a split, and back-off predictions on windows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genomenet.genome.alphabet import N_CODE
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval

STRENGTHS = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0)
"""Back-off strengths tried at every order, in pseudo-counts."""

STRENGTH_BP = 2_000_000
"""Validation bases on which to choose them; more only take time."""

COUNTING_BLOCK = 1 << 24
SCORING_BLOCK = 1 << 18


@dataclass(frozen=True)
class MarkovModel:
    """Counts of every order with the strengths that tie each order to the one below.

    Attributes
    ----------
    counts : tuple of ndarray of int64, each of shape (4**k, 4)
        Row: context of k bases, oldest base most significant.  Column: next base.
    strengths : tuple of float
        Pseudo-counts given to order k-1 when order k predicts; one per order.
    """

    counts: tuple[npt.NDArray[np.int64], ...]
    strengths: tuple[float, ...]

    @property
    def order(self) -> int:
        """Longest context in bases."""
        return len(self.counts) - 1


def count_words(
    genome: Genome, intervals: Iterable[Interval], order: int, both_strands: bool = False
) -> tuple[npt.NDArray[np.int64], ...]:
    """Count all words of 1 to ``order + 1`` bases that lie in the intervals and hold no N.

    Parameters
    ----------
    genome : Genome
        Where bases are read.
    intervals : iterable of Interval
        Disjoint; a word never crosses from one into another.
    order : int
        Longest context, at most 11 in the reports.
    both_strands : bool
        Whether to add the words of the reverse complement.

    Returns
    -------
    tuple of ndarray of int64
        Item k has shape (4**k, 4) and counts contexts of k bases and the base that follows.

    Notes
    -----
    One pass over the bases.  Only the longest words are counted base by base; shorter words are
    their suffix sums plus the few positions whose context an N or a border cuts short.  Order 11
    holds 180 MB of counts, and needs about 0.9 GB while counting, whatever the genome's size.
    """
    counts = [np.zeros(4 ** (k + 1), dtype=np.int64) for k in range(order + 1)]
    for codes, skip in _blocks(genome, intervals, order, COUNTING_BLOCK):
        context = np.minimum(_context_lengths(codes), order)
        context[:skip] = -1
        words = _words(codes, order + 1)
        counts[order] += np.bincount(words[context == order], minlength=4 ** (order + 1))
        for k in range(order):
            cut = words[context == k] & (4 ** (k + 1) - 1)
            if cut.size:
                np.add.at(counts[k], cut, 1)
    for k in range(order - 1, -1, -1):
        counts[k] += counts[k + 1].reshape(4, -1).sum(axis=0)
    if both_strands:
        # Reversing the axes reverses a word; flipping each axis (x -> 3 - x) complements it.
        for k in range(order + 1):
            grid = counts[k].reshape((4,) * (k + 1))
            counts[k] = (grid + np.flip(grid.transpose())).reshape(-1)
    return tuple(table.reshape(-1, 4) for table in counts)


def distributions(
    codes: npt.NDArray[np.uint8], model: MarkovModel
) -> Iterator[npt.NDArray[np.float64]]:
    """Yield, order by order, the predicted distribution of every base given the bases before it.

    Parameters
    ----------
    codes : ndarray of uint8, shape (L,)
        Base codes; N (4) ends contexts, and so does the start.
    model : MarkovModel
        Counts and strengths.

    Yields
    ------
    ndarray of float64, shape (L, 4)
        Order 0, 1, ...; each row sums to 1.  Where fewer bases than the order are known the
        prediction of the shorter context stands.  The array is overwritten by the next order.

    Notes
    -----
    Order k is a Dirichlet posterior mean with order k-1 as base measure (MacKay and Peto, 1995):
    ``p_k = (count + strength * p_(k-1)) / (total + strength)``; order -1 is uniform.
    """
    known = _context_lengths(codes)
    # The context of base i ends at i - 1; a known length of 0 makes what stands there irrelevant.
    before = np.concatenate([[np.uint8(N_CODE)], codes[:-1]])
    words = _words(before, max(model.order, 1))
    p = np.full((codes.size, 4), 0.25)
    for k, (counts, strength) in enumerate(zip(model.counts, model.strengths, strict=True)):
        at = np.flatnonzero(known >= k)
        rows = counts[words[at] & (4**k - 1)]
        p[at] = (rows + strength * p[at]) / (rows.sum(axis=1, keepdims=True) + strength)
        yield p


def score(
    genome: Genome, windows: Iterable[Interval], model: MarkovModel
) -> tuple[npt.NDArray[np.float64], int]:
    """Sum the nats of every order over the A, C, G, T bases of the windows.

    Parameters
    ----------
    genome : Genome
        Where bases are read.
    windows : iterable of Interval
        Contexts restart at the start of each, as they do for the arms.
    model : MarkovModel
        Fitted on other bases.

    Returns
    -------
    nats : ndarray of float64, shape (order + 1,)
        Summed nats of each order.
    bases : int
        Scored bases.
    """
    nats = np.zeros(model.order + 1)
    bases = 0
    for codes, skip in _blocks(genome, windows, model.order, SCORING_BLOCK):
        at = np.flatnonzero(codes < N_CODE)
        at = at[at >= skip]
        bases += at.size
        for k, p in enumerate(distributions(codes, model)):
            nats[k] -= np.log(p[at, codes[at]]).sum()
    return nats, bases


def fit(
    genome: Genome,
    training: Iterable[Interval],
    validation: Sequence[Interval],
    order: int,
    both_strands: bool = False,
) -> MarkovModel:
    """Count words on the training split and choose back-off strengths on the validation split.

    Parameters
    ----------
    genome : Genome
        Where bases are read.
    training : iterable of Interval
        Disjoint intervals of the training split.
    validation : sequence of Interval
        Windows on which strengths are chosen, from order 0 up, each the best of `STRENGTHS` given
        those below.  About two million bases are enough; more only take time.
    order : int
        Longest context.
    both_strands : bool
        Whether reverse complements are counted too, as the arms see them under ``rc_aug``.

    Returns
    -------
    MarkovModel
        Ready for `score`.
    """
    counts = count_words(genome, training, order, both_strands)
    losses = np.zeros((order + 1, len(STRENGTHS)))
    chosen: list[float] = []
    blocks = list(_blocks(genome, validation, order, SCORING_BLOCK))
    lower = [np.full((codes.size, 4), 0.25) for codes, _ in blocks]
    for k in range(order + 1):
        gathered = []
        for (codes, skip), p in zip(blocks, lower, strict=True):
            at = np.flatnonzero(_context_lengths(codes) >= k)
            words = _words(np.concatenate([[np.uint8(N_CODE)], codes[:-1]]), max(k, 1))
            rows = counts[k][words[at] & (4**k - 1)]
            totals = rows.sum(axis=1)
            gathered.append((at, rows, totals))
            # Bases with a shorter context lose the same under every strength: left out.
            scored = (codes[at] < N_CODE) & (at >= skip)
            y = codes[at[scored]]
            hits, below = rows[scored, y], p[at[scored], y]
            for i, strength in enumerate(STRENGTHS):
                q = (hits + strength * below) / (totals[scored] + strength)
                losses[k, i] -= np.log(q).sum()
        strength = STRENGTHS[int(losses[k].argmin())]
        chosen.append(strength)
        for (at, rows, totals), p in zip(gathered, lower, strict=True):
            p[at] = (rows + strength * p[at]) / (totals[:, None] + strength)
    return MarkovModel(counts, tuple(chosen))


def entropy_tables(model: MarkovModel) -> list[npt.NDArray[np.float32]]:
    """Entropy of the next base after every context of every order, in nats.

    Parameters
    ----------
    model : MarkovModel
        Counts and strengths.

    Returns
    -------
    list of ndarray of float32
        Item k has one entry for each of the 4**k contexts, the oldest base most significant.
        Computed in float64: thresholds of DNA lie within hundredths of a nat of log 4.
    """
    p = np.full((1, 4), 0.25)
    tables = []
    for k, (counts, strength) in enumerate(zip(model.counts, model.strengths, strict=True)):
        # A context's shorter one is its low digits, so the table below repeats.
        below = np.tile(p, (4, 1)) if k else p
        p = (counts + strength * below) / (counts.sum(axis=1, keepdims=True) + strength)
        tables.append(-(p * np.log(p)).sum(axis=1).astype(np.float32))
    return tables


def _blocks(
    genome: Genome, intervals: Iterable[Interval], context: int, size: int
) -> Iterator[tuple[npt.NDArray[np.uint8], int]]:
    """Yield (codes, skip): intervals laid end to end with N between them, about `size` at a time.

    An interval longer than a block goes on in the next, which then begins with `skip` bases that
    were yielded before and serve as context only.
    """
    pieces: list[npt.NDArray[np.uint8]] = []
    held = skip = 0
    for interval in intervals:
        position = interval.start
        while position < interval.end:
            stop = min(interval.end, position + size - held)
            pieces.append(genome.read(interval.contig, position, stop))
            held += stop - position
            position = stop
            if held >= size:
                yield np.concatenate(pieces), skip
                pieces, held, skip = [], 0, 0
                if position < interval.end:
                    skip = min(context, position - interval.start)
                    pieces.append(genome.read(interval.contig, position - skip, position))
        pieces.append(np.full(1, N_CODE, dtype=np.uint8))
    if held:
        yield np.concatenate(pieces), skip


def _context_lengths(codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """Count the known bases directly before each base; -1 for a base that is itself N."""
    index = np.arange(codes.size, dtype=np.int32)
    last_n = np.maximum.accumulate(np.where(codes >= N_CODE, index, np.int32(-1)))
    return index - last_n - 1


def _words(codes: npt.NDArray[np.uint8], length: int) -> npt.NDArray[np.int32]:
    """Return the code of the word that ends at each base, newest base lowest (N reads as A)."""
    base = (codes & 3).astype(np.int32)
    words = base.copy()
    for j in range(1, length):
        words[j:] |= base[: codes.size - j] << (2 * j)
    return words
