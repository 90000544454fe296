"""Divide a genome into training, validation and test intervals."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from genomenet.errors import UserError, nearest
from genomenet.files import whole_file
from genomenet.genome.contig_names import ContigNames, placed_bed_lines
from genomenet.genome.genome import Genome, whole_contigs
from genomenet.genome.intervals import Interval, merge
from genomenet.windows.published import check_human_sequences, is_human_sequences

SPLIT_NAMES = ("train", "valid", "test")


@dataclass(frozen=True, slots=True)
class Splits:
    """Which intervals are for what; each tuple is merged and sorted.

    Attributes
    ----------
    train, valid, test : tuple of Interval
        Disjoint when made by the functions of this module.
    published : tuple of Interval
        Training intervals as published and in that order, where windows are to be made of them
        as Caduceus makes them (`genomenet.windows.published_windows`); else empty.
    listed_bp : dict of str to int
        By split, the bases of the intervals that were merged into it, those listed twice counted
        twice; empty when nothing was merged.
    """

    train: tuple[Interval, ...]
    valid: tuple[Interval, ...]
    test: tuple[Interval, ...]
    published: tuple[Interval, ...] = ()
    listed_bp: dict[str, int] = field(default_factory=dict, compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 over all intervals: a BED file, or a table of names, may change under a run."""
        hasher = hashlib.sha256()
        for name in (*SPLIT_NAMES, "published"):
            rows = (f"{i.contig}\t{i.start}\t{i.end}\n" for i in getattr(self, name))
            hasher.update(f"{name}\n{''.join(rows)}".encode())
        return hasher.hexdigest()

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


def split_by_chromosome(
    genome: Genome,
    train: Sequence[str] = (),
    valid: Sequence[str] = (),
    test: Sequence[str] = (),
    names: ContigNames | None = None,
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
    names : ContigNames, optional
        What else contigs may be called; left out, what the rules allow.

    Raises
    ------
    UserError
        A contig that does not exist, or is in two splits.
    """
    names = names or ContigNames(genome.contigs)
    owner: dict[str, str] = {}
    for split, given in zip(SPLIT_NAMES, (train, valid, test), strict=True):
        for name in map(names.resolve, given):
            if owner.setdefault(name, split) != split:
                raise UserError(
                    f"the contig '{name}' is both in {owner[name]} and in {split}; "
                    "remove it from one of them"
                )
    if not train:
        owner = {contig.name: "train" for contig in genome.contigs} | owner
    return merged_splits([(owner.get(whole.contig, ""), whole) for whole in whole_contigs(genome)])


def split_by_bed(genome: Genome, path: str | Path, names: ContigNames | None = None) -> Splits:
    """Read the splits from a BED file whose fourth column is train, valid or test.

    Intervals of one split may overlap and are merged. A file with the name of the published human
    intervals has to hold them.

    Raises
    ------
    UserError
        With file and line: another label, an unknown contig, an interval past its contig's end,
        two splits that overlap. Published intervals that are not what was published.
    """
    rows = labelled_rows(genome, path, names)
    _check_disjoint(rows, path)
    return merged_splits([(label, interval) for label, interval, _ in rows])


def labelled_rows(
    genome: Genome, path: str | Path, names: ContigNames | None = None
) -> list[tuple[str, Interval, int]]:
    """Read split, interval and line number of each row of a BED file, in the order of the file.

    Parameters
    ----------
    genome : Genome
        Whose contigs are meant, and by whose names for them the intervals are returned.
    path : str or Path
        BED file, plain or gzip.
    names : ContigNames, optional
        What else the file may call the contigs; left out, what the rules allow.

    Raises
    ------
    UserError
        See `split_by_bed`; splits that overlap are let through.
    """
    if is_human_sequences(path):
        check_human_sequences(path)
    rows: list[tuple[str, Interval, int]] = []
    for line, interval, label, _ in placed_bed_lines(path, names or ContigNames(genome.contigs)):
        if label not in SPLIT_NAMES:
            shown = "missing" if label is None else f"'{label}'"
            raise UserError(
                f"{path}: line {line}: the fourth column is {shown}, but it must be train, valid "
                f"or test{nearest(label or '', SPLIT_NAMES)}"
            )
        rows.append((label, interval, line))
    if not rows:
        raise UserError(f"{path} has no intervals; give lines of contig, start, end and split")
    return rows


def _range(interval: Interval) -> tuple[str, int, int]:
    return interval.contig, interval.start, interval.end


def _check_disjoint(rows: list[tuple[str, Interval, int]], path: str | Path) -> None:
    # Per split, the interval reaching furthest right so far decides about the next one.
    furthest: dict[str, tuple[Interval, int]] = {}
    for label, interval, line in sorted(rows, key=lambda row: _range(row[1])):
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


def merged_splits(rows: Sequence[tuple[str, Interval]]) -> Splits:
    """Return the splits that labelled intervals merge to, with the bases they list."""
    of = {name: [interval for label, interval in rows if label == name] for name in SPLIT_NAMES}
    train, valid, test = (tuple(merge(intervals)) for intervals in of.values())
    listed_bp = {name: sum(i.length_bp for i in intervals) for name, intervals in of.items()}
    return Splits(train, valid, test, listed_bp=listed_bp)


def write_splits(splits: Splits, genome: Genome, path: str | Path) -> None:
    """Write the intervals of all splits as a BED file, sorted, with the split in column four.

    Raises
    ------
    UserError
        When the name is that of a compressed file, which this is not.
    """
    if Path(path).suffix in {".gz", ".bgz"}:
        raise UserError(f"{path} would not be compressed; give a name that ends with .bed")
    order = {contig.name: number for number, contig in enumerate(genome.contigs)}
    rows = [(interval, name) for name in SPLIT_NAMES for interval in getattr(splits, name)]
    rows.sort(key=lambda row: (order[row[0].contig], row[0].start))
    with whole_file(path) as handle:
        for interval, name in rows:
            handle.write(f"{interval.contig}\t{interval.start}\t{interval.end}\t{name}\n")
