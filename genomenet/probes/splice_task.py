"""A task made of annotation: windows around donors, acceptors, and decoys of both."""

from collections.abc import Sequence

import numpy as np

from genomenet.annotation.region_classes import (
    ACCEPTOR,
    CODE,
    DONOR,
    INTERGENIC,
    PROMOTER,
    SPLICE_SITE_BP,
)
from genomenet.annotation.regions import RegionTrack
from genomenet.genome.alphabet import reverse_complement
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval
from genomenet.probes.window_task import Spot

DECOY = "decoy"
LABELS = ("donor", "acceptor", DECOY)
DECOYS_PER_SITE = 4
_WORDS = {"GT": (2, 3), "AG": (0, 2)}


def splice_spots(
    genome: Genome,
    track: RegionTrack,
    block: Interval,
    window_bp: int,
    seed: np.random.Generator,
) -> list[Spot]:
    """Windows of one block with a splice site, or a decoy, in their middle.

    Decoys are GT (as donors begin) and AG (as acceptors end), half of each, within genes on
    their strand, where no annotated splice site is. They are drawn in the blocks that have
    sites, so that they come from the same genes or their neighbours.

    Parameters
    ----------
    genome, track : Genome, RegionTrack
        Bases and their classes.
    block : Interval
        Windows lie within it.
    window_bp : int
        Length of windows; the two bases begin at the place `window_bp // 2 - 1`, counted in the
        direction of the gene.
    seed : Generator
        Draws the decoys.
    """
    codes = genome.read(block.contig, block.start, block.end)
    classes = track.read(block.contig, block.start, block.end)
    strands = track.read_strand(block.contig, block.start, block.end)
    found: list[Spot] = []
    for number, strand in ((1, "+"), (2, "-")):
        sites = 0
        for name, label in ((DONOR, "donor"), (ACCEPTOR, "acceptor")):
            here = (classes == CODE[name]) & (strands == number)
            for first in _runs(here):
                spot = _spot(block, int(first), strand, label, window_bp)
                if spot is not None:
                    found.append(spot)
                    sites += 1
        genic = (strands == number) & ~np.isin(
            classes, [CODE[one] for one in (DONOR, ACCEPTOR, INTERGENIC, PROMOTER)]
        )
        for word in _WORDS.values():
            pair = np.array(word, dtype=np.uint8)
            pair = pair if strand == "+" else reverse_complement(pair)
            match = (codes[:-1] == pair[0]) & (codes[1:] == pair[1]) & genic[:-1] & genic[1:]
            drawn = seed.permutation(np.flatnonzero(match))[: sites * DECOYS_PER_SITE // 2]
            spots = [_spot(block, int(first), strand, DECOY, window_bp) for first in drawn]
            found += [spot for spot in spots if spot is not None]
    return found


def splice_labels() -> Sequence[str]:
    """The classes of the task."""
    return LABELS


def _runs(here: np.ndarray) -> np.ndarray:
    """First places of runs of exactly two bases: longer ones are sites that overlap."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], here.astype(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2]
    return starts[ends - starts == SPLICE_SITE_BP]


def _spot(block: Interval, first: int, strand: str, label: str, window_bp: int) -> Spot | None:
    """The window with two bases from `first` in its middle; None when it leaves the block."""
    before = window_bp // 2 - 1
    if strand == "-":
        before = window_bp - SPLICE_SITE_BP - before
    start = block.start + first - before
    if start < block.start or start + window_bp > block.end:
        return None
    return Spot(Interval(block.contig, start, start + window_bp), strand, label)
