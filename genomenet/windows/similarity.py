"""Measure how much of the held-out sequence resembles training sequence, with minimap2."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genomenet.errors import UserError
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval
from genomenet.windows.held_out import HeldOutTiles
from genomenet.windows.splits import Splits

IDENTITIES = (0.8, 0.9, 0.95)
LEAST_COVERAGE = 0.5
REPEAT_SHARE = 0.5
# Seeds of 13 bases, one in 3 on average, find homologues of 80 % identity that minimap2's presets
# for long reads (15 in 10) leave out. An alignment of half a window scores far more than 60.
_SEED_BP, _SEED_WINDOW, _LEAST_SCORE = 13, 5, 60
# Training sequence is indexed a part at a time, so that memory does not grow with the genome;
# neighbours overlap by a window, so that no place is cut in two.
_PART_BP = 32_000_000
_LETTERS = np.frombuffer(b"ACGTN", dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Similarity:
    """How much of some held-out windows aligns to training sequence.

    Attributes
    ----------
    split : str
        "valid" or "test".
    windows : str
        "all"; "repeat-poor", soft-masked in less than half of their bases; or "reversed", the
        control: all of them written backwards without complementing, which keeps composition
        and low complexity and undoes descent.
    count : int
        How many windows.
    total_bp : int
        Their bases that are not N.
    aligned_bp : tuple of int
        For each of `IDENTITIES`, the bases in alignments of at least that identity that cover at
        least half of their window.
    """

    split: str
    windows: str
    count: int
    total_bp: int
    aligned_bp: tuple[int, ...]

    @property
    def shares(self) -> tuple[float, ...]:
        """Aligned share of the bases for each of `IDENTITIES`; 0 without windows."""
        return tuple(bases / self.total_bp if self.total_bp else 0.0 for bases in self.aligned_bp)


@dataclass(frozen=True, slots=True)
class _Window:
    letters: str
    called_bp: int
    repeat_poor: bool


def similarity(
    splits: Splits,
    genome: Genome,
    window_bp: int = 1000,
    limit: int = 1000,
    progress: Callable[[int], object] | None = None,
) -> list[Similarity]:
    """Align held-out windows to the training intervals, both strands.

    Identity is matches over alignment columns, gaps included. A window counts with its longest
    alignment that is good enough.

    Parameters
    ----------
    splits : Splits
        What is held out, and what is trained on.
    genome : Genome
        Where bases are read.
    window_bp : int
        Length of a held-out window; those of which less than half is called are left out.
    limit : int
        At most so many windows of each split, spread evenly.
    progress : callable, optional
        Called with the number of training bases that were searched.

    Returns
    -------
    list of Similarity
        For valid and test, where they are not empty: all windows, repeat-poor ones, the control.

    Raises
    ------
    UserError
        When mappy is not installed, there is no training or no held-out sequence, or the numbers
        don't make sense.

    Source: minimap2, Li 2018, Bioinformatics 34:3094.
    """
    mappy = _mappy()
    if genome.alphabet.unit != "base":
        raise UserError("the similarity of sequences is for DNA; leave it out for text")
    if window_bp < 100 or limit < 1:
        raise UserError(
            f"similarity is measured on {limit:,} windows of {window_bp:,} bp; give at least one "
            "of at least 100 bp"
        )
    train = splits.require("train")
    held_out = {
        split: _windows(genome, intervals, window_bp, limit)
        for split, intervals in (("valid", splits.valid), ("test", splits.test))
        if intervals
    }
    queries = [w.letters for windows in held_out.values() for w in windows]
    if not queries:
        raise UserError(
            f"no held-out window of {window_bp:,} bp has bases in half of its length or more; hold "
            "out some sequence, or give shorter windows"
        )
    queries += [letters[::-1] for letters in queries]
    best = np.zeros((len(queries), len(IDENTITIES)), dtype=np.int64)
    with ThreadPoolExecutor(os.cpu_count()) as pool, tempfile.TemporaryDirectory() as folder:
        for part in _parts(train, window_bp):
            path = Path(folder, "training.fa")
            _write_fasta(path, genome, part)
            best = np.maximum(best, _search(mappy, path, queries, pool))
            if progress is not None:
                progress(sum(interval.length_bp for interval in part))
    rows = []
    first, control = 0, len(queries) // 2
    for split, windows in held_out.items():
        of = np.arange(first, first + len(windows))
        poor = np.array([w.repeat_poor for w in windows], dtype=np.bool_)
        called = np.array([w.called_bp for w in windows], dtype=np.int64)
        for name, kept, aligned in (
            ("all", np.ones_like(poor), best[of]),
            ("repeat-poor", poor, best[of]),
            ("reversed", np.ones_like(poor), best[of + control]),
        ):
            bases = np.minimum(aligned[kept], called[kept, None]).sum(axis=0)
            rows.append(
                Similarity(
                    split, name, int(kept.sum()), int(called[kept].sum()), tuple(bases.tolist())
                )
            )
        first += len(windows)
    return rows


def _mappy() -> Any:
    try:
        import mappy
    except ImportError:
        raise UserError(
            "the similarity of splits is measured with minimap2, which is not installed; "
            'get it with pip install "genomenet[similarity]"'
        ) from None
    return mappy


def _windows(
    genome: Genome, intervals: Sequence[Interval], window_bp: int, limit: int
) -> list[_Window]:
    tiles = HeldOutTiles(genome, intervals, window_bp, limit=limit)
    windows = []
    for i in range(len(tiles)):
        batch = tiles.batch(i, 1)
        codes = batch.codes[0, : int(batch.lengths[0])]
        called = codes < genome.alphabet.scored_codes
        masked = np.count_nonzero(called & batch.masked[0, : codes.size])
        bases = int(np.count_nonzero(called))
        if 2 * bases >= window_bp:
            windows.append(_Window(_text(codes), bases, bool(masked < REPEAT_SHARE * bases)))
    return windows


def _search(mappy: Any, path: Path, queries: list[str], pool: ThreadPoolExecutor) -> np.ndarray:
    """What `_aligned_bp` finds of each query; the index is gone before the next one is made."""
    index = mappy.Aligner(
        str(path), k=_SEED_BP, w=_SEED_WINDOW, min_dp_score=_LEAST_SCORE, best_n=5
    )
    if not index:
        raise RuntimeError("minimap2 could not index the training sequence")
    return np.array(list(pool.map(lambda letters: _aligned_bp(index, letters), queries)))


def _aligned_bp(index: Any, letters: str) -> list[int]:
    """Bases of the longest alignment for each of `IDENTITIES`, 0 where it is too short."""
    longest = [0] * len(IDENTITIES)
    for hit in index.map(letters):
        aligned = hit.q_en - hit.q_st
        if aligned < LEAST_COVERAGE * len(letters):
            continue
        for i, identity in enumerate(IDENTITIES):
            if hit.mlen >= identity * hit.blen:
                longest[i] = max(longest[i], aligned)
    return longest


def _parts(intervals: Sequence[Interval], overlap_bp: int) -> Iterator[list[Interval]]:
    """Cut intervals into parts of about `_PART_BP` bases, long ones into overlapping pieces."""
    part: list[Interval] = []
    room = _PART_BP
    for whole in intervals:
        start = end = whole.start
        while end < whole.end:
            end = min(whole.end, start + room)
            part.append(Interval(whole.contig, start, end))
            room -= end - start
            if room <= overlap_bp:
                yield part
                part, room = [], _PART_BP
            start = max(whole.start, end - overlap_bp)
    if part:
        yield part


def _write_fasta(path: Path, genome: Genome, intervals: Sequence[Interval]) -> None:
    with path.open("w", encoding="ascii") as handle:
        for number, interval in enumerate(intervals):
            codes = genome.read(interval.contig, interval.start, interval.end)
            handle.write(f">{number}\n{_text(codes)}\n")


def _text(codes: np.ndarray) -> str:
    return _LETTERS[codes].tobytes().decode("ascii")
