"""Whether boundaries stay where they were when a base is changed, or the other strand is read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genomenet.evaluation.boundaries.sources import Source
from genomenet.evaluation.boundaries.windows import BoundaryWindows, without_nan
from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.resampling import ResampledWindows
from genomenet.genome.alphabet import COMPLEMENT

Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

EDITS = ("substitution", "insertion", "deletion")
REVERSED = "reverse complement"
OTHER = "another window"
NEXT_BP, NEARBY_BP = 32, 256
DISTANCES = (f"1 to {NEXT_BP} bp", f"{NEXT_BP + 1} to {NEARBY_BP} bp", f"over {NEARBY_BP} bp")
SAME_BASE, SAME_GAP, ALL = "same base", "same gap", "all"
SHORTEST_BP = 64
STABILITY_WINDOWS = 32
"""Windows that are edited: every base of a window bears on it, so few are enough."""
TOLERANCES = (0, 1)


@dataclass(frozen=True)
class Stability:
    """How alike the boundaries before and after are.

    Attributes
    ----------
    change : str
        One of `EDITS`, or reading the other strand, or another window.
    where : str
        Distance behind the edit; for the other strand what is taken for the same place.
    windows : int
        How many.
    chance : float
        Jaccard index of boundaries that are independent and as frequent: p / (2 - p).
    jaccard : tuple of Estimate
        For each of `TOLERANCES`, in bases.
    """

    change: str
    where: str
    windows: int
    chance: float
    jaccard: tuple[Estimate, ...]


@dataclass(frozen=True)
class _Pair:
    """Boundaries at the same bases of a window, before and after."""

    change: str
    where: str
    window: int
    before: Mask
    after: Mask


def boundary_stability(
    source: Source, windows: BoundaryWindows, stages: Sequence[Mask], seed: int = 0
) -> list[list[Stability]]:
    """Jaccard index of boundaries before and after a change; one list a stage.

    Each window has one random edit of each kind, in its second to fourth eighth, the same for
    all sources. Bases behind it are followed through the shift of an insertion or deletion.

    Parameters
    ----------
    source : Source
        What draws boundaries.
    windows : BoundaryWindows
        Those of fewer than 64 bases are left out, and all but 32 of the others.
    stages : sequence of ndarray of bool, shape (windows, bases)
        What the source decided on the windows as they are.
    seed : int
        Of the edits and the bootstrap.
    """
    numbers = [i for i in range(len(windows)) if windows.places[i].length_bp >= SHORTEST_BP]
    kept = min(STABILITY_WINDOWS, len(numbers))
    numbers = [numbers[(2 * i + 1) * len(numbers) // (2 * kept)] for i in range(kept)]
    codes = [source.prepare(windows.codes(i), i) for i in numbers]
    masks = [windows.masked(i) for i in numbers]
    pairs: list[list[_Pair]] = [[] for _ in stages]
    for edit in EDITS:
        edited = [
            edit_window(edit, bases, soft, seed, i)
            for bases, soft, i in zip(codes, masks, numbers, strict=True)
        ]
        decided = source.decide(
            [one.codes for one in edited], [one.masked for one in edited], numbers
        )
        for i, one, found in zip(numbers, edited, decided, strict=True):
            for s, after in enumerate(found):
                before = stages[s][i]
                near = np.searchsorted([NEXT_BP, NEARBY_BP], one.distance)
                for d, where in enumerate(DISTANCES):
                    here = near == d
                    pairs[s].append(
                        _Pair(edit, where, i, before[one.kept[here]], after[one.moved[here]])
                    )
    decided = source.decide(
        [COMPLEMENT[one[::-1]] for one in codes], [one[::-1] for one in masks], numbers
    )
    for i, found in zip(numbers, decided, strict=True):
        for s, after in enumerate(found):
            before = stages[s][i, : after.size]
            pairs[s].append(_Pair(REVERSED, SAME_BASE, i, before, after[::-1]))
            # What begins at base i here, ends before it there: on the other side of the gap.
            pairs[s].append(_Pair(REVERSED, SAME_GAP, i, before[1:], after[::-1][:-1]))
    for i, other in zip(numbers, [*numbers[1:], *numbers[:1]], strict=True):
        both = min(windows.places[i].length_bp, windows.places[other].length_bp)
        for s, boundary_WL in enumerate(stages):
            pairs[s].append(_Pair(OTHER, ALL, i, boundary_WL[i, :both], boundary_WL[other, :both]))
    return [_estimates(own, windows, seed) for own in pairs]


@dataclass(frozen=True)
class EditedWindow:
    """A window with one edit.

    Attributes
    ----------
    codes, masked : ndarray, shape (bases,)
        After the edit.
    kept, moved : ndarray of int64
        Bases behind the edit, by their places before and after it.
    distance : ndarray of int64
        How far behind the edit, 1 for the next base.
    """

    codes: Codes
    masked: Mask
    kept: Ints
    moved: Ints
    distance: Ints


def edit_window(edit: str, codes: Codes, masked: Mask, seed: int, window: int) -> EditedWindow:
    """Substitute, insert or delete one base at a random place.

    Parameters
    ----------
    edit : str
        One of `EDITS`.
    codes, masked : ndarray, shape (bases,)
        The window.
    seed, window : int
        Of the place and the base.
    """
    rng = np.random.default_rng([seed, window, EDITS.index(edit)])
    place = int(rng.integers(codes.size // 8, codes.size // 2))
    if edit == "insertion":
        kept, shift = np.arange(place, codes.size), 1
        codes = np.insert(codes, place, rng.integers(4))
        masked = np.insert(masked, place, masked[place])
    else:
        kept, shift = np.arange(place + 1, codes.size), -1
        if edit == "deletion":
            codes, masked = np.delete(codes, place), np.delete(masked, place)
        else:
            shift = 0
            others = [code for code in range(4) if code != codes[place]]
            codes = codes.copy()
            codes[place] = rng.choice(others)
    # What follows a deletion is the first base that differs from before.
    return EditedWindow(codes, masked, kept, kept + shift, kept - kept[0] + 1)


def matches(before: Mask, after: Mask, tolerance: int) -> int:
    """Most pairs of a boundary before and one after, at most `tolerance` bases apart.

    Taking the leftmost pair again and again is best on a line.
    """
    if not tolerance:
        return int((before & after).sum())
    mine, other = np.flatnonzero(before).tolist(), np.flatnonzero(after).tolist()
    i = j = found = 0
    while i < len(mine) and j < len(other):
        if abs(mine[i] - other[j]) <= tolerance:
            found, i, j = found + 1, i + 1, j + 1
        elif mine[i] < other[j]:
            i += 1
        else:
            j += 1
    return found


def _estimates(pairs: Sequence[_Pair], windows: BoundaryWindows, seed: int) -> list[Stability]:
    keys = list(dict.fromkeys((pair.change, pair.where) for pair in pairs))
    found = []
    for key in keys:
        own = [pair for pair in pairs if (pair.change, pair.where) == key and pair.before.size]
        sums_W = np.zeros((len(windows), 2 + len(TOLERANCES)))
        for pair in own:
            both = pair.before.sum() + pair.after.sum()
            matched = [matches(pair.before, pair.after, bases) for bases in TOLERANCES]
            sums_W[pair.window] += [both, 2 * pair.before.size, *matched]
        resampled = ResampledWindows(windows.by_block(sums_W), seed=seed)
        boundaries, bases = sums_W[:, :2].sum(0)
        rate = boundaries / bases if bases else np.nan
        found.append(
            Stability(
                *key,
                len(own),
                float(rate / (2 - rate)),
                tuple(
                    resampled.estimate(lambda sums, t=t: _jaccard(sums, t))  # type: ignore[misc]
                    for t in range(len(TOLERANCES))
                ),
            )
        )
    return found


def _jaccard(sums: npt.NDArray[np.float64], tolerance: int) -> npt.NDArray[np.float64]:
    matched = sums[..., 2 + tolerance]
    return without_nan(matched / (sums[..., 0] - matched))
