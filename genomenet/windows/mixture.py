"""Windows of several kinds in fixed shares, each kind going through its own windows in turn."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from genomenet.errors import UserError, nearest
from genomenet.genome.permutation import permute
from genomenet.genome.places import Int64, Places
from genomenet.windows.training_windows import Flips, Windows, in_rows

_MIX = 4  # after the draws of `tiling`


class MixedWindows(Windows):
    """A mixture of windows; how many of each kind an epoch holds is fixed, their order random.

    The n-th window of a kind in the mixture is the n-th of that kind alone, so that a kind drawn
    twice as often as is natural to it is gone through twice an epoch, with other phases.

    Parameters
    ----------
    parts : sequence of Windows
        Of the same genome and length.
    shares : sequence of float
        How much of the mixture each part is to be, relative to their sum; all above 0.
    seed : int
        Of the order.
    dropped_bp : int
        Bases of kinds that have no windows.

    Attributes
    ----------
    counts : ndarray of int64, shape (parts,)
        Windows of each part in an epoch, at least one.
    """

    def __init__(
        self, parts: Sequence[Windows], shares: Sequence[float], seed: int, dropped_bp: int = 0
    ) -> None:
        self.genome = parts[0].genome
        self.length_bp = parts[0].length_bp
        self.dropped_bp = dropped_bp + sum(part.dropped_bp for part in parts)
        self.parts = tuple(parts)
        self.seed = seed
        wanted = np.array(shares, dtype=np.float64)
        wanted /= wanted.sum()
        # As many windows as the parts have together, or what gives the rarest part one.
        total = max(sum(part.first_sample(1) for part in parts), int(np.ceil(1 / wanted.min())))
        self.counts = _apportion(wanted, total)
        self._ends = np.cumsum(self.counts)

    def first_sample(self, epoch: int) -> int:
        """Return the number of the first window of `epoch`, counted from 0."""
        return epoch * int(self._ends[-1])

    def locate(self, samples: Int64) -> tuple[Places, Flips]:
        """Return where windows lie, and which are to be reverse-complemented."""
        epochs, order = np.divmod(samples, self._ends[-1])
        turn = np.empty_like(order)
        for epoch in np.unique(epochs).tolist():
            rows = epochs == epoch
            turn[rows] = permute(order[rows], int(self._ends[-1]), self.seed, _MIX, epoch)
        part = np.searchsorted(self._ends, turn, side="right")
        number = epochs * self.counts[part] + turn - (self._ends - self.counts)[part]
        flip = np.zeros(samples.shape, dtype=np.bool_)
        kinds = np.unique(part).tolist() or [0]
        rows_of = [np.flatnonzero(part == kind) for kind in kinds]
        found = []
        for kind, rows in zip(kinds, rows_of, strict=True):
            places, flip[rows] = self.parts[kind].locate(number[rows])
            found.append(places)
        return in_rows(found, rows_of), flip


def _apportion(shares: np.ndarray, total: int) -> Int64:
    """Whole numbers that add up to `total`, by largest remainder, none of them zero."""
    exact = shares * total
    counts = np.maximum(np.floor(exact), 1).astype(np.int64)
    missing = total - int(counts.sum())
    if missing > 0:
        counts[np.argsort(counts - exact, kind="stable")[:missing]] += 1
    return counts


def species_shares(
    bases: Mapping[str, int],
    weights: Mapping[str, float],
    own_weights: Mapping[str, float],
    exponent: float,
) -> dict[str, float]:
    """Return the share of each species in a mixture, adding up to 1.

    Parameters
    ----------
    bases : mapping of str to int
        Training bases of each species.
    weights : mapping of str to float
        From the config; 0 leaves a species out.
    own_weights : mapping of str to float
        From the corpus, for those that `weights` doesn't name.
    exponent : float
        The natural share is the number of bases to this power.

    Raises
    ------
    UserError
        A weight for a species that has no training bases, a negative one, or nothing left.
    """
    for name, weight in weights.items():
        if name not in bases:
            raise UserError(
                f"data.species_weights names '{name}', but no such species has training bases"
                + nearest(name, bases)
            )
        if not 0 <= weight < math.inf:
            raise UserError(f"data.species_weights of '{name}' is {weight:g}; give 0 or more")
    shares = {
        name: weights.get(name, own_weights.get(name, 1.0)) * float(count) ** exponent
        for name, count in bases.items()
        if count
    }
    total = sum(shares.values())
    if not total > 0:
        raise UserError("every species has weight 0; give some of data.species_weights more")
    return {name: share / total for name, share in shares.items() if share}
