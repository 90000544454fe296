"""Divide a genome into training, validation and test intervals, and measure what leaks."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from genomenet.errors import UserError, nearest
from genomenet.genome.contigs import Contig, ContigTable
from genomenet.genome.genome import Genome, whole_contigs
from genomenet.genome.intervals import Interval, bed_lines, merge, overlaps_bp
from genomenet.genome.leak import LeakReport, leak_report

__all__ = [
    "SPLIT_NAMES",
    "LeakReport",
    "Splits",
    "leak_report",
    "split_by_bed",
    "split_by_chromosome",
    "split_by_fraction",
]


@dataclass(frozen=True, slots=True)
class Splits:
    """Which intervals are for what; each tuple is merged and sorted.

    Attributes
    ----------
    train, valid, test : tuple of Interval
        Disjoint when made by the functions of this module.
    """

    train: tuple[Interval, ...]
    valid: tuple[Interval, ...]
    test: tuple[Interval, ...]

    def require(self, split: str) -> tuple[Interval, ...]:
        """Return the intervals of `split` ("train", "valid" or "test").

        Raises
        ------
        UserError
            When the split is empty or there is none of that name.
        """
        if split not in SPLIT_NAMES:
            raise UserError(
                f"there is no split '{split}'{nearest(split, SPLIT_NAMES)}; "
                "splits are train, valid and test"
            )
        intervals: tuple[Interval, ...] = getattr(self, split)
        if not intervals:
            raise UserError(f"the {split} split is empty; give it some contigs or intervals")
        return intervals


SPLIT_NAMES = tuple(field.name for field in fields(Splits))


def split_by_chromosome(
    genome: Genome,
    train: Sequence[str] = (),
    valid: Sequence[str] = (),
    test: Sequence[str] = (),
) -> Splits:
    """Give whole contigs to the splits.

    Parameters
    ----------
    genome : Genome
        Whose contigs are meant.
    train : sequence of str
        Contig names; empty means all that are neither in `valid` nor in `test`.
    valid, test : sequence of str
        Contig names.

    Raises
    ------
    UserError
        A contig that does not exist, or is in two splits.
    """
    table = ContigTable(genome.contigs, "the genome")
    owner: dict[str, str] = {}
    for split, names in zip(SPLIT_NAMES, (train, valid, test), strict=True):
        for name in names:
            table.named(name)
            if owner.setdefault(name, split) != split:
                raise UserError(
                    f"the contig '{name}' is both in {owner[name]} and in {split}; "
                    "remove it from one of them"
                )
    if not train:
        owner = {contig.name: "train" for contig in genome.contigs} | owner
    return _splits([(owner.get(whole.contig, ""), whole) for whole in whole_contigs(genome)])


def split_by_bed(genome: Genome, path: str | Path) -> Splits:
    """Read the splits from a BED file whose fourth column is train, valid or test.

    Intervals of one split may overlap and are merged.

    Raises
    ------
    UserError
        With file and line: another label, an unknown contig, an interval past its contig's end,
        two splits that overlap.
    """
    table = ContigTable(genome.contigs, "the genome")
    rows: list[tuple[str, Interval, int]] = []
    for line, interval, label in bed_lines(path):
        where = f"{path}: line {line}"
        if label not in SPLIT_NAMES:
            shown = "missing" if label is None else f"'{label}'"
            raise UserError(
                f"{where}: the fourth column is {shown}, but it must be train, valid or test"
                f"{nearest(label or '', SPLIT_NAMES)}"
            )
        try:
            table.check(*_range(interval))
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        rows.append((label, interval, line))
    if not rows:
        raise UserError(f"{path} has no intervals; give lines of contig, start, end and split")
    _check_disjoint(rows, path)
    return _splits([(label, interval) for label, interval, _ in rows])


def split_by_fraction(
    genome: Genome, valid_fraction: float, test_fraction: float, block_bp: int, seed: int
) -> Splits:
    """Give whole blocks to the splits, spread out over the genome.

    Walking along the contigs (by name, so that the order of import does not matter), blocks are
    shuffled within short neighbourhoods, and each goes to the split furthest behind its share of
    the bases outside N runs.

    Parameters
    ----------
    genome : Genome
        Whose contigs are cut into blocks, each from its start, the last block shorter.
    valid_fraction, test_fraction : float
        Shares of the bases outside long N runs, in [0, 1); the rest is for training.
    block_bp : int
        Length of a block.
    seed : int
        Of the shuffling.

    Raises
    ------
    UserError
        Fractions out of range, or too few blocks to give every split one.
    """
    shares = (1.0 - valid_fraction - test_fraction, valid_fraction, test_fraction)
    if min(valid_fraction, test_fraction) < 0 or shares[0] <= 0:
        raise UserError(
            f"the fractions of valid ({valid_fraction}) and test ({test_fraction}) must not be "
            "negative and must leave something for training; lower them"
        )
    if block_bp < 1:
        raise UserError(f"block_bp is {block_bp}, but a block needs at least one base")
    blocks = _shuffled_blocks(
        genome, block_bp, seed, neighbourhood=round(2 / min(filter(None, shares)))
    )
    weights = np.array([block.length_bp for block in blocks]) - overlaps_bp(blocks, genome.n_runs)
    given = np.zeros(len(shares))
    rows = []
    for block, weight in zip(blocks, weights.tolist(), strict=True):
        behind = np.array(shares) * (given.sum() + weight) - given
        chosen = int(behind.argmax()) if weight else 0
        given[chosen] += weight
        rows.append((SPLIT_NAMES[chosen], block))
    for name, share, bases in zip(SPLIT_NAMES, shares, given, strict=True):
        if share and not bases:
            raise UserError(
                f"no block of {block_bp:,} bp is left for {name} ({share:.1%} of the genome); "
                "lower block_bp"
            )
    return _splits(rows)


def _shuffled_blocks(
    genome: Genome, block_bp: int, seed: int, neighbourhood: int
) -> list[Interval]:
    blocks = [
        Interval(contig.name, start, min(start + block_bp, contig.length_bp))
        for contig in sorted(genome.contigs, key=_by_name)
        for start in range(0, contig.length_bp, block_bp)
    ]

    def shuffled(place: int) -> tuple[int, bytes]:
        key = f"{seed} {blocks[place].contig} {blocks[place].start}"
        return place // neighbourhood, hashlib.sha256(key.encode()).digest()

    return [blocks[place] for place in sorted(range(len(blocks)), key=shuffled)]


def _by_name(contig: Contig) -> str:
    return contig.name


def _range(interval: Interval) -> tuple[str, int, int]:
    return interval.contig, interval.start, interval.end


def _check_disjoint(rows: list[tuple[str, Interval, int]], path: str | Path) -> None:
    # Per split, the interval reaching furthest right so far decides about the next one.
    furthest: dict[str, tuple[Interval, int]] = {}
    for label, interval, line in sorted(rows, key=lambda row: row[1]):
        for other, (reaching, other_line) in furthest.items():
            if (
                other != label
                and reaching.contig == interval.contig
                and reaching.end > interval.start
            ):
                raise UserError(
                    f"{path}: line {line}: {interval} ({label}) overlaps {reaching} ({other}, "
                    f"line {other_line}); a base can be in one split only"
                )
        known = furthest.get(label)
        if known is None or (known[0].contig, known[0].end) < (interval.contig, interval.end):
            furthest[label] = (interval, line)


def _splits(rows: list[tuple[str, Interval]]) -> Splits:
    return Splits(
        *(tuple(merge(interval for label, interval in rows if label == s)) for s in SPLIT_NAMES)
    )
