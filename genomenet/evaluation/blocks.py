"""Blocks of neighbouring held-out windows, which the bootstrap takes as what could be repeated."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genomenet.evaluation.confidence import Estimate
from genomenet.windows.held_out import HeldOutTiles

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOCK_BP = 51_200
"""Length of a block when there are enough of them: beyond most genes' exons and most repeats."""

FEWEST, MOST = 30, 2000
"""Blocks are halved until there are `FEWEST`, and doubled until there are at most `MOST`."""

LEAST = 10
"""A number that fewer blocks have part in gets no interval: a bootstrap of so few is too narrow."""

DRAWS = 2000


@dataclass(frozen=True)
class Blocks:
    """Which block every window lies in.

    Attributes
    ----------
    of_window : ndarray of int64, shape (windows,)
        Number of the window's block.
    contigs : tuple of str
        The contig of each block; a block never crosses from one into another.
    block_bp : int
        Length of a block on the genome. Windows belong to the block they start in.
    """

    of_window: Ints
    contigs: tuple[str, ...]
    block_bp: int

    def __len__(self) -> int:
        return len(self.contigs)


def lay_blocks(tiles: HeldOutTiles, block_bp: int = BLOCK_BP) -> Blocks:
    """Put windows that start in the same stretch of a contig into a block.

    Parameters
    ----------
    tiles : HeldOutTiles
        The windows.
    block_bp : int
        Wanted length of a block in bases. It is halved while there are fewer than `FEWEST` blocks
        and a block can hold more than a window, and doubled while there are more than `MOST` and
        that helps.
    """
    places = [tiles.interval(i) for i in range(len(tiles))]
    names, numbers = np.unique([place.contig for place in places], return_inverse=True)
    starts = np.array([place.start for place in places], dtype=np.int64)

    def laid(length: int) -> tuple[Ints, Ints]:
        cells = np.stack([numbers, starts // length], axis=1)
        found, of_window = np.unique(cells, axis=0, return_inverse=True)
        return found, of_window.reshape(-1)

    cells, of_window = laid(block_bp)
    while len(cells) < FEWEST and block_bp >= 2 * tiles.length_bp:
        block_bp //= 2
        cells, of_window = laid(block_bp)
    while len(cells) > max(MOST, len(names)) and block_bp < starts.max():
        block_bp *= 2
        cells, of_window = laid(block_bp)
    contigs = tuple(str(names[number]) for number in cells[:, 0])
    return Blocks(of_window.astype(np.int64), contigs, block_bp)


def ratio_intervals(
    nats_KC: Floats, bases_KC: Floats | Ints, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> list[Estimate]:
    """Nats per base of many columns, each with a percentile bootstrap interval over blocks.

    Neighbouring windows are alike (one gene, one repeat, one isochore), so drawing them one by one
    would make intervals too narrow. Whole blocks are drawn, the same ones for all columns, and the
    statistic is the ratio of sums.

    Parameters
    ----------
    nats_KC : ndarray of float64, shape (blocks, columns)
        Summed nats, or differences of them.
    bases_KC : ndarray, shape (blocks, columns)
        Scored bases.
    level : float
        Coverage.
    draws : int
        Bootstrap samples.
    seed : int
        Of the drawing.

    Returns
    -------
    list of Estimate
        One a column, in nats per base; its `n` counts the blocks that have bases of the column.
        The bounds are infinite when these are fewer than `LEAST`, and the centre is nan without
        bases.

    Notes
    -----
    Davison and Hinkley, Bootstrap Methods and their Application (1997), section 8.2.3.
    """
    if nats_KC.shape != bases_KC.shape:
        raise ValueError(f"nats have shape {nats_KC.shape}, bases {bases_KC.shape}")
    bases_KC = np.asarray(bases_KC, dtype=np.float64)
    blocks, columns = nats_KC.shape
    held_C = (bases_KC > 0).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre_C = nats_KC.sum(0) / bases_KC.sum(0)
        generator = np.random.default_rng(seed)
        ratios = np.empty((draws, columns))
        rows = max(1, 2_000_000 // max(blocks, 1))  # at most 16 MB of multiplicities at a time
        for start in range(0, draws, rows):
            count = min(rows, draws - start)
            times = generator.multinomial(blocks, np.full(blocks, 1 / blocks), size=count)
            ratios[start : start + count] = (times @ nats_KC) / (times @ bases_KC)
    tail = (1 - level) / 2
    found = []
    for column in range(columns):
        low, high = -math.inf, math.inf
        # A draw may miss all blocks of a rare column; it then says nothing about it.
        drawn = ratios[~np.isnan(ratios[:, column]), column]
        if held_C[column] >= LEAST and drawn.size:
            low, high = np.quantile(drawn, [tail, 1 - tail])
        n = int(held_C[column])
        found.append(Estimate(float(centre_C[column]), float(low), float(high), level, "blocks", n))
    return found
