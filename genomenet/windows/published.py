"""Check that the published human intervals, human-sequences.bed, are what was published."""

from collections import Counter
from pathlib import Path

from genomenet.errors import UserError
from genomenet.genome.intervals import Interval, bed_lines, merge

# Basenji2's and Enformer's intervals of hg38, which HyenaDNA, Caduceus and their successors train
# on (Kelley 2020; Avsec et al. 2021). The parameters of the split are lost, so nobody can make
# the file anew, and a file that differs is damaged or another one.
NAMES = ("human-sequences.bed", "sequences_human.bed")
SPLIT_ROWS = {"train": 34_021, "valid": 2_213, "test": 1_937}
INTERVAL_BP = 131_072
CHROMOSOMES = 23
REGIONS = 416
COVERED_BP = 2_727_870_737


def is_human_sequences(path: str | Path) -> bool:
    """Whether a file has the name of the published intervals, compressed or not."""
    return Path(path).name.removesuffix(".gz") in NAMES


def check_human_sequences(path: str | Path) -> None:
    """Make sure that a BED file has the published numbers of intervals, regions and bases.

    Parameters
    ----------
    path : str or Path
        BED file, plain or gzip, labelled train, valid or test in the fourth column. Regions are
        what its intervals, of all splits, merge to when those that overlap or touch are joined.

    Raises
    ------
    UserError
        Naming each figure that differs, as found and as published.
    """
    rows: Counter[str] = Counter()
    intervals: list[Interval] = []
    for _, interval, label, _ in bed_lines(path):
        rows[label or "(no label)"] += 1
        intervals.append(interval)
    other = [interval.length_bp for interval in intervals if interval.length_bp != INTERVAL_BP]
    regions = merge(intervals)
    figures = [
        *((f"{split} intervals", rows.pop(split, 0), SPLIT_ROWS[split]) for split in SPLIT_ROWS),
        *((f"intervals labelled '{label}'", count, 0) for label, count in rows.items()),
        (f"intervals of another length than {INTERVAL_BP:,} bp", len(other), 0),
        ("chromosomes", len({interval.contig for interval in intervals}), CHROMOSOMES),
        ("merged regions", len(regions), REGIONS),
        ("bases covered", sum(region.length_bp for region in regions), COVERED_BP),
    ]
    wrong = [
        f"{found:,} {what} instead of {expected:,}"
        for what, found, expected in figures
        if found != expected
    ]
    if wrong:
        raise UserError(
            f"{path} has the name of the published human intervals, but it holds "
            f"{'; '.join(wrong)}: fetch it again, or give intervals of your own another name"
        )
