"""Held-out windows in memory, with the annotation that boundaries are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genomenet.annotation.regions import RegionTrack
from genomenet.errors import UserError
from genomenet.evaluation.blocks import LEAST, Blocks, lay_blocks
from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.resampling import ResampledWindows, Sums
from genomenet.evaluation.window_sums import SOFT_MASKED
from genomenet.genome.alphabet import N_CODE
from genomenet.genome.intervals import Interval
from genomenet.windows.held_out import HeldOutTiles

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class BoundaryWindows:
    """Windows, padded to one length.

    Attributes
    ----------
    places : tuple of Interval
        Where each is.
    codes_WL : ndarray of uint8, shape (windows, bases)
        Codes; N behind the end of a shorter window.
    masked_WL : ndarray of bool, shape (windows, bases)
        Soft mask.
    group_WL : ndarray, shape (windows, bases)
        Byte of the region track, and the soft mask, as in `window_sums`.
    blocks : Blocks
        What the bootstrap draws.
    classes : tuple of str
        Names of the region track's classes; empty without a track.
    """

    places: tuple[Interval, ...]
    codes_WL: npt.NDArray[np.uint8]
    masked_WL: Mask
    group_WL: npt.NDArray[np.intp]
    blocks: Blocks
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.places)

    @property
    def known_WL(self) -> Mask:
        """Which bases are A, C, G or T: at N some chunkers have no choice."""
        return self.codes_WL < N_CODE

    def codes(self, window: int) -> npt.NDArray[np.uint8]:
        """The codes of one window, without padding."""
        return self.codes_WL[window, : self.places[window].length_bp]

    def masked(self, window: int) -> Mask:
        """The soft mask of one window, without padding."""
        return self.masked_WL[window, : self.places[window].length_bp]

    def by_block(self, values_WX: npt.NDArray) -> Sums:
        """Add up rows of windows, shape (windows, ...), in blocks, shape (blocks, ...)."""
        found = np.zeros((len(self.blocks), *values_WX.shape[1:]))
        np.add.at(found, self.blocks.of_window, values_WX)
        return found


def read_boundary_windows(tiles: HeldOutTiles, regions: RegionTrack | None) -> BoundaryWindows:
    """Read windows; about ten bytes a base are held.

    Parameters
    ----------
    tiles : HeldOutTiles
        Of DNA.
    regions : RegionTrack or None
        Classes of the bases.

    Raises
    ------
    UserError
        When the windows are not of DNA, or hold nothing but N.
    """
    if not tiles.genome.alphabet.complementable:
        raise UserError("boundaries are compared with the annotation of DNA; this is text")
    batch = tiles.batch(0, len(tiles))
    inside_WL = np.arange(tiles.length_bp) < batch.lengths[:, None]
    codes_WL = np.where(inside_WL, batch.codes, np.uint8(N_CODE))
    masked_WL = batch.masked & inside_WL
    places = tuple(tiles.interval(i) for i in range(len(tiles)))
    group_WL = masked_WL.astype(np.intp) * SOFT_MASKED
    if regions is not None:
        for row, place in enumerate(places):
            group_WL[row, : place.length_bp] += regions.read_bytes(
                place.contig, place.start, place.end
            )
    if not (codes_WL < N_CODE).any():
        raise UserError("there is nothing to compare: the windows hold no A, C, G or T")
    classes = regions.classes if regions is not None else ()
    return BoundaryWindows(places, codes_WL, masked_WL, group_WL, lay_blocks(tiles), classes)


@dataclass(frozen=True)
class Measured:
    """A rate beside the one that it is compared with.

    Attributes
    ----------
    name : str
        Of what: a class, a kind of edge, a motif.
    n : int
        How many bases, edges or instances it rests on.
    value, reference : float
        What was found, and what it is compared with.
    ratio : Estimate
        The former over the latter, with an interval over blocks; infinite bounds when fewer than
        `blocks.LEAST` blocks have part in it.
    """

    name: str
    n: int
    value: float
    reference: float
    ratio: Estimate

    @property
    def differs(self) -> bool:
        """Whether the interval excludes 1."""
        return self.ratio.low > 1 or self.ratio.high < 1


def measure_ratios(
    names: Sequence[str], counts: Sequence[int], columns_KC4: Sums, seed: int = 0
) -> list[Measured]:
    """Ratios of ratios of sums, with percentile intervals over the same draws of blocks.

    Parameters
    ----------
    names, counts : sequence
        Name and `n` of each.
    columns_KC4 : ndarray, shape (blocks, things, 4)
        Numerator and denominator of the value, then of the reference.
    seed : int
        Of the bootstrap.
    """
    blocks, things, _ = columns_KC4.shape
    resampled = ResampledWindows(columns_KC4.reshape(blocks, things * 4), seed=seed)
    found = []
    for i, (name, n) in enumerate(zip(names, counts, strict=True)):
        above, below, other_above, other_below = columns_KC4[:, i].sum(0)
        if (columns_KC4[:, i, 1] > 0).sum() < LEAST or not (above and other_above):
            centre = _divide(_divide(above, below), _divide(other_above, other_below))
            blocks_held = int((columns_KC4[:, i, 1] > 0).sum())
            ratio = Estimate(centre, -np.inf, np.inf, 0.95, "blocks", blocks_held)
        else:
            ratio = resampled.estimate(lambda sums, i=i: _ratio(sums, i))  # type: ignore[misc]
        found.append(
            Measured(name, n, _divide(above, below), _divide(other_above, other_below), ratio)
        )
    return found


def _ratio(sums: Sums, thing: int) -> Sums:
    above, below, other_above, other_below = np.moveaxis(
        sums[..., 4 * thing : 4 * thing + 4], -1, 0
    )
    found = (above / below) / (other_above / other_below)
    return without_nan(found)


def without_nan(draws: Sums) -> Sums:
    """Leave out draws that missed all blocks of a rare thing, for they say nothing of it."""
    known = ~np.isnan(draws)
    return draws[known] if draws.ndim and known.any() else draws


def _divide(above: float, below: float) -> float:
    return float(above / below) if below else float("nan")
