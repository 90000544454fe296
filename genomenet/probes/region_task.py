"""A task made of annotation: windows of coding sequence, UTR, intron, promoter, intergenic."""

from collections.abc import Sequence

import numpy as np

from genomenet.annotation.region_classes import CODE
from genomenet.annotation.regions import RegionTrack
from genomenet.genome.intervals import Interval
from genomenet.probes.window_task import Spot

CLASS_OF = {
    "coding": "coding",
    "coding_1": "coding",
    "coding_2": "coding",
    "coding_3": "coding",
    "utr": "utr",
    "utr_3": "utr",
    "utr_5": "utr",
    "intron": "intron",
    "promoter": "promoter",
    "intergenic": "intergenic",
}
"""What windows of a class are labelled; splice sites and exons without coding are left out."""


def region_spots(
    track: RegionTrack, block: Interval, window_bp: int, step_bp: int, seed: np.random.Generator
) -> list[Spot]:
    """Windows of one block, labelled by the class of the base in their middle.

    Parameters
    ----------
    track : RegionTrack
        Of the genome.
    block : Interval
        Windows lie within it.
    window_bp, step_bp : int
        Length of windows, and from one to the next.
    seed : Generator
        Draws the strand where the annotation has none or both: whatever is on one strand is read
        in its own direction.
    """
    starts = range(block.start, block.end - window_bp + 1, step_bp)
    labels = {CODE[name]: label for name, label in CLASS_OF.items()}
    found = []
    for start in starts:
        middle = start + window_bp // 2
        label = labels.get(int(track.read(block.contig, middle, middle + 1)[0]))
        if label is None:
            continue
        strand = int(track.read_strand(block.contig, middle, middle + 1)[0])
        if strand not in (1, 2):
            strand = int(seed.integers(1, 3))
        place = Interval(block.contig, start, start + window_bp)
        found.append(Spot(place, "+-"[strand - 1], label))
    return found


def region_labels() -> Sequence[str]:
    """The classes of the task."""
    return tuple(dict.fromkeys(CLASS_OF.values()))
