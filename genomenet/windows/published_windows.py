"""Splits and windows of published intervals as Caduceus makes them, across borders of splits."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from genomenet.errors import UserError
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.contigs import Contig
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval
from genomenet.genome.permutation import mix, permute
from genomenet.genome.places import Int64, Places, contig_numbers
from genomenet.windows.splits import Splits, labelled_rows, merged_splits
from genomenet.windows.training_windows import Flips, Windows, check_window

EXTENDED_BP = 1 << 20
# Which draw a hash is for.
_ORDER, _STRAND = 1, 2


def split_as_caduceus(
    genome: Genome, path: str | Path, length_bp: int, names: ContigNames | None = None
) -> Splits:
    """Read the splits from a BED file, each interval extended as Caduceus extends it.

    An interval ends `EXTENDED_BP` bases after its start, whatever its own end, and whatever split
    the bases between belong to, so the splits overlap. Held-out intervals are extended likewise;
    they are merged, so that each base is scored once, which the original does not.

    Parameters
    ----------
    genome : Genome
        Whose contigs are meant.
    path : str or Path
        Labelled train, valid or test in the fourth column.
    length_bp : int
        Length of a window. A window that would run over the end of its contig is moved back.
    names : ContigNames, optional
        What else the file may call the contigs; left out, what the rules allow.

    Returns
    -------
    Splits
        What windows can reach, and the training intervals as `published`.

    Raises
    ------
    UserError
        See `split_by_bed`, but for splits that overlap; a length that does not divide
        `EXTENDED_BP`; a contig shorter than a window.
    """
    check_length(length_bp)
    rows = labelled_rows(genome, path, names)
    contigs = {contig.name: contig for contig in genome.contigs}
    reached = [(label, _reach(row, contigs[row.contig], length_bp)) for label, row, _ in rows]
    return replace(
        merged_splits(reached),
        published=tuple(row for label, row, _ in rows if label == "train"),
        listed_bp={
            name: EXTENDED_BP * sum(label == name for label, _, _ in rows)
            for name in ("train", "valid", "test")
        },
    )


def check_length(length_bp: int) -> None:
    """Make sure that windows of `length_bp` fill an extended interval.

    Raises
    ------
    UserError
        When they do not.
    """
    if length_bp < 1 or EXTENDED_BP % length_bp:
        raise UserError(
            f"data.max_length is {length_bp:,}, but the policy caduceus cuts intervals of "
            f"{EXTENDED_BP:,} bp into windows; give a power of 2 up to that"
        )


def _reach(row: Interval, contig: Contig, length_bp: int) -> Interval:
    if contig.length_bp < length_bp:
        raise UserError(
            f"the contig '{contig.name}' has {contig.length_bp:,} bp, which is less than a window "
            f"of {length_bp:,} bp; lower data.max_length or leave its intervals out"
        )
    end = min(row.start + EXTENDED_BP, contig.length_bp)
    return Interval(row.contig, min(row.start, contig.length_bp - length_bp), end)


class PublishedWindows(Windows):
    """Windows of published training intervals as Caduceus makes them, in random order.

    Every interval is extended to `EXTENDED_BP` bases from its start and cut into consecutive
    windows; one that would run over the end of its contig is moved back to end with it. An epoch
    has all windows of all intervals: of the published human intervals 34,021 times EXTENDED_BP
    bases, about 13 times what they cover. Windows overlap each other and held-out bases, and
    some hold nothing but N. Order and strands are ours, a function of the sample number alone.

    Source: HG38Dataset in Caduceus, src/dataloaders/datasets/hg38_dataset.py (Schiff et al. 2024).

    Parameters
    ----------
    genome : Genome
        Where bases are read.
    intervals : sequence of Interval
        As published, which may overlap.
    length_bp : int
        Length of a window.
    seed : int
        Of order and strands.
    rc_aug : bool
        Whether every other window (at random) is to be reverse-complemented.

    Attributes
    ----------
    pieces : list of Interval
        What each interval's windows cover, in the order of `intervals`.
    dropped_bp : int
        None: 0.

    Raises
    ------
    UserError
        A length that does not divide `EXTENDED_BP`, a contig shorter than a window, or no
        intervals.
    """

    def __init__(
        self,
        genome: Genome,
        intervals: Sequence[Interval],
        length_bp: int,
        seed: int,
        rc_aug: bool,
    ) -> None:
        check_window(genome, length_bp, rc_aug)
        check_length(length_bp)
        if not intervals:
            raise UserError("the train split is empty; give it some intervals")
        contigs = {contig.name: contig for contig in genome.contigs}
        self.genome = genome
        self.length_bp = length_bp
        self.seed = seed
        self.rc_aug = rc_aug
        self.pieces = [_reach(row, contigs[row.contig], length_bp) for row in intervals]
        self.dropped_bp = 0
        self._contigs = contig_numbers(genome.contigs, [row.contig for row in intervals])
        self._starts = np.array([row.start for row in intervals], dtype=np.int64)
        lengths = np.array([contig.length_bp for contig in genome.contigs], dtype=np.int64)
        self._last_starts = lengths[self._contigs] - length_bp
        self._windows = EXTENDED_BP // length_bp  # of an interval
        self._epoch = self._windows * len(intervals)

    def first_sample(self, epoch: int) -> int:
        """Return the number of the first sample of `epoch`, counted from 0."""
        return epoch * self._epoch

    def locate(self, samples: Int64) -> tuple[Places, Flips]:
        """Return where windows lie, and which are to be reverse-complemented."""
        if samples.size and samples.min() < 0:
            raise ValueError("sample numbers count from 0")
        epochs, order = np.divmod(samples, self._epoch)
        window = np.empty_like(order)
        flip = np.zeros(samples.shape, dtype=np.bool_)
        for epoch in np.unique(epochs).tolist():
            of = epochs == epoch
            window[of] = permute(order[of], self._epoch, self.seed, _ORDER, epoch)
            if self.rc_aug:
                flip[of] = (mix(self.seed, _STRAND, epoch, window[of]) & np.uint64(1)) == 1
        row, place = np.divmod(window, self._windows)
        starts = np.minimum(self._starts[row] + place * self.length_bp, self._last_starts[row])
        return Places.one_a_row(self._contigs[row], starts, self.length_bp), flip
