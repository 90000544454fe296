"""Whether chunks are short where bases are surprising: rank correlation, overall and by class."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from genomenet.annotation.region_classes import CLASS_BITS
from genomenet.annotation.regions import RegionTrack
from genomenet.evaluation.blocks import LEAST, Blocks, Floats, Ints
from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.resampling import ResampledWindows
from genomenet.evaluation.subject import Subject
from genomenet.evaluation.window_tracks import WindowTracks, window_tracks
from genomenet.windows.held_out import HeldOutTiles

SHUFFLES = 10
"""Orders of each window's lengths in the control, so that it adds little noise of its own."""

FEWEST = 100
"""Classes of fewer chunks are left out."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Chunks:
    """Chunks of the outermost stage: the bases predicted between one inner step and the next.

    Attributes
    ----------
    length, block, kind : ndarray of int64, shape (chunks,)
        In bases; number of the block; class of the first base.
    deciding, within : ndarray of float64, shape (chunks,)
        Nats of the base on which the boundary before the chunk was decided; mean nats of the
        chunk's own bases.
    """

    length: Ints
    block: Ints
    kind: Ints
    deciding: Floats
    within: Floats

    def select(self, chosen: Mask) -> "Chunks":
        """Some of them."""
        return Chunks(*(getattr(self, name)[chosen] for name in vars(self)))


@dataclass(frozen=True)
class Surprise:
    """Spearman's correlation of chunk length with surprise, beside its control.

    Attributes
    ----------
    kind : str
        Class of the chunks' first bases, or "all".
    what : str
        "deciding" or "within": see `Chunks`.
    chunks : int
        How many there are.
    real, control, gap : Estimate
        Of the chunks, of as long chunks in shuffled orders, and the first minus the second. All
        nan where lengths don't differ.
    """

    kind: str
    what: str
    chunks: int
    real: Estimate
    control: Estimate
    gap: Estimate


def measure_surprise(
    subject: Subject,
    tiles: HeldOutTiles,
    blocks: Blocks,
    regions: RegionTrack | None = None,
    progress: Callable[[int], object] | None = None,
    seed: int = 0,
) -> list[Surprise]:
    """Read all windows once and correlate chunk length with surprise.

    Parameters
    ----------
    subject : Subject
        A hierarchical model, at the threshold that it was trained with.
    tiles : HeldOutTiles
        The windows.
    blocks : Blocks
        Of these windows.
    regions : RegionTrack, optional
        Classes of bases.
    progress : callable, optional
        Called with the number of windows just scored.
    seed : int
        Of the control's order.
    """
    generator = np.random.default_rng(seed)
    real, control = [], []
    for i, window in enumerate(window_tracks(subject, tiles, progress)):
        place = window.place
        kind_L = np.zeros(len(window.nats), dtype=np.int64)
        if regions is not None:
            stored = regions.read_bytes(place.contig, place.start, place.end)
            kind_L = (stored & CLASS_BITS).astype(np.int64)
        block = int(blocks.of_window[i])
        decided = np.flatnonzero(window.boundaries[0].boundary)
        real.append(chunks_between(window, decided, kind_L, block))
        for _ in range(SHUFFLES):
            control.append(chunks_between(window, shuffled(decided, generator), kind_L, block))
    names = regions.classes if regions is not None else ()
    return list(_correlations(_joined(real), _joined(control), names, len(blocks)))


def shuffled(decided: Ints, generator: np.random.Generator) -> Ints:
    """The same first boundary and chunk lengths, in another order."""
    if len(decided) < 2:
        return decided
    lengths = generator.permutation(np.diff(decided))
    return np.concatenate([decided[:1], decided[0] + np.cumsum(lengths)])


def chunks_between(window: WindowTracks, decided: Ints, kind_L: Ints, block: int) -> Chunks:
    """The whole chunks of a window.

    A boundary that is decided on base i makes the inner network step before base i + 1 is
    predicted, so a chunk holds the bases behind one such base up to and with the next. What stands
    before the first decision and behind the last is left out, and so are chunks with N.
    """
    start, end = decided[:-1], decided[1:]
    total = np.concatenate([[0.0], np.cumsum(window.nats)])
    unscored = np.concatenate([[0], np.cumsum(~window.scored)])
    length = end - start
    whole = unscored[end + 1] == unscored[start]
    return Chunks(
        length=length.astype(np.int64),
        block=np.full(len(length), block, dtype=np.int64),
        kind=kind_L[start + 1],
        deciding=window.nats[start],
        within=(total[end + 1] - total[start + 1]) / length,
    ).select(whole)


def _joined(parts: Sequence[Chunks]) -> Chunks:
    return Chunks(*(np.concatenate([getattr(p, name) for p in parts]) for name in vars(parts[0])))


def _correlations(
    real: Chunks, control: Chunks, names: Sequence[str], blocks: int
) -> Iterator[Surprise]:
    kinds: list[tuple[str, int | None]] = [("all", None)]
    if np.ptp(real.length) if real.length.size else 0:
        kinds += [(name, code) for code, name in reversed(list(enumerate(names)))]
    for name, code in kinds:
        one, other = (
            chunks if code is None else chunks.select(chunks.kind == code)
            for chunks in (real, control)
        )
        if code is None or len(one.length) >= FEWEST:
            for what in ("deciding", "within"):
                found = spearman_pair(one, other, what, blocks)
                yield Surprise(name, what, len(one.length), *found)


def spearman_pair(
    one: Chunks, other: Chunks, what: str, blocks: int
) -> tuple[Estimate, Estimate, Estimate]:
    """Spearman's correlation of length and surprise in both, and the difference, by blocks.

    Ranks are those among all chunks; a draw of the bootstrap weighs them, and does not rank anew.

    Returns
    -------
    tuple of Estimate
        Of `one`, of `other`, and one minus other; the bounds are infinite when fewer than `LEAST`
        blocks hold chunks, and the centre is nan when lengths don't differ.
    """
    columns = np.concatenate([_moments(one, what, blocks), _moments(other, what, blocks)], axis=1)
    drawn = ResampledWindows(columns)
    held = min(int((columns[:, part] > 0).sum()) for part in (0, 6))

    def estimate(statistic: Callable[[Floats], Floats]) -> Estimate:
        found = replace(drawn.estimate(statistic), basis="blocks", n=held)
        return replace(found, low=-np.inf, high=np.inf) if held < LEAST else found

    return (
        estimate(lambda sums: _pearson(sums[..., :6])),
        estimate(lambda sums: _pearson(sums[..., 6:])),
        estimate(lambda sums: _pearson(sums[..., :6]) - _pearson(sums[..., 6:])),
    )


def _moments(chunks: Chunks, what: str, blocks: int) -> Floats:
    """Count, sums, sums of squares and of products of centred ranks, (blocks, 6)."""
    from scipy.stats import rankdata

    n = max(len(chunks.length), 1)
    # Ranks as shares around zero, so that sums of squares keep their digits.
    x = (rankdata(chunks.length) - (n + 1) / 2) / n
    y = (rankdata(getattr(chunks, what)) - (n + 1) / 2) / n
    parts = (np.ones_like(x), x, y, x * x, y * y, x * y)
    return np.stack([np.bincount(chunks.block, part, blocks) for part in parts], axis=1)


def _pearson(sums: Floats) -> Floats:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    # Of chunks that are all as long there is no correlation.
    spread = np.maximum(n * xx - x * x, 0) * np.maximum(n * yy - y * y, 0)
    return np.where(spread > 1e-12 * n**4, n * xy - x * y, np.nan) / np.sqrt(spread)
