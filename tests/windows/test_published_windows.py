import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.genome.intervals import Interval, overlap_bp, total_bp
from genomenet.genome.mock import MockGenome
from genomenet.windows.published_windows import (
    EXTENDED_BP,
    PublishedWindows,
    split_as_caduceus,
)
from tests.genome.files import write
from tests.windows.published_twin import bed_text, published_twin

LONG = 1 << 18
GENOME = MockGenome(1_600_000)
ONE = GENOME.contigs[0].length_bp
ROWS = [
    ("mock1", 0, 131_072, "train"),
    ("mock1", ONE - 131_072, ONE, "train"),
    ("mock1", 5_000, 136_072, "train"),
    ("mock2", 1_000, 132_072, "valid"),
    ("mock1", 140_000, 271_072, "test"),
]
TRAIN = [Interval(contig, start, end) for contig, start, end, name in ROWS if name == "train"]


def as_caduceus_cuts(intervals, length_bp, contig_bp):
    """Windows in the order of the items of Caduceus' dataset, by its rule, one at a time."""
    for interval in intervals:
        for shift in range(EXTENDED_BP // length_bp):
            start = interval.start + shift * length_bp
            end = start + length_bp
            if end > contig_bp:
                start, end = start - (end - contig_bp), contig_bp
            yield interval.contig, start


def epoch_of(windows: PublishedWindows, epoch: int) -> list[tuple[str, int]]:
    samples = np.arange(windows.first_sample(epoch), windows.first_sample(epoch + 1))
    places, _ = windows.locate(samples)
    assert (places.lengths == windows.length_bp).all()
    names = [GENOME.contigs[i].name for i in places.contigs.tolist()]
    return list(zip(names, places.starts.tolist(), strict=True))


@pytest.mark.parametrize("length_bp", [1 << 14, 1 << 17, LONG])
def test_an_epoch_has_the_windows_of_caduceus(length_bp):
    windows = PublishedWindows(GENOME, TRAIN, length_bp, seed=1, rc_aug=True)
    expected = sorted(as_caduceus_cuts(TRAIN, length_bp, ONE))
    assert len(expected) == 3 * EXTENDED_BP // length_bp
    for epoch in (0, 3):
        found = epoch_of(windows, epoch)
        assert found != expected, "not shuffled"
        assert sorted(found) == expected
    assert epoch_of(windows, 0) != epoch_of(windows, 1)
    assert windows.dropped_bp == 0


def test_a_batch_is_its_samples():
    windows = PublishedWindows(GENOME, TRAIN, 1 << 14, seed=4, rc_aug=True)
    again = pickle.loads(pickle.dumps(windows))
    first = windows.first_sample(1) - 3
    batch = windows.batch(first, 6)
    places, flip = again.locate(np.arange(first, first + 6)[::-1])
    assert batch.starts.tolist() == places.starts[::-1].tolist()
    assert batch.flip.tolist() == flip[::-1].tolist()
    for row in range(6):
        start = int(batch.starts[row])
        assert np.array_equal(batch.codes[row], GENOME.read("mock1", start, start + (1 << 14)))
    whole = np.arange(windows.first_sample(1))
    assert 0.3 < windows.locate(whole)[1].mean() < 0.7
    plain = PublishedWindows(GENOME, TRAIN, 1 << 14, seed=4, rc_aug=False)
    assert not plain.locate(whole)[1].any()
    assert plain.locate(whole)[0].starts.tolist() == windows.locate(whole)[0].starts.tolist()


@pytest.mark.parametrize("length_bp", [1 << 14, LONG])
def test_splits_are_what_windows_reach(tmp_path, length_bp):
    path = write(tmp_path / "x.bed", bed_text(ROWS))
    splits = split_as_caduceus(GENOME, path, length_bp)
    assert splits.published == tuple(TRAIN)
    seen = np.zeros(ONE, dtype=bool)
    for _, start in epoch_of(PublishedWindows(GENOME, splits.published, length_bp, 0, True), 0):
        seen[start : start + length_bp] = True
    assert sum(piece.length_bp for piece in splits.train) == seen.sum()
    assert all(seen[piece.start : piece.end].all() for piece in splits.train)
    # mock2 ends before the validation interval is as long as it is to be.
    assert splits.valid == (Interval("mock2", 1_000, GENOME.contigs[1].length_bp),)
    assert splits.test == (Interval("mock1", 140_000, ONE),)
    assert splits.listed_bp == {
        "train": 3 * EXTENDED_BP,
        "valid": EXTENDED_BP,
        "test": EXTENDED_BP,
    }


def test_extended_intervals_of_the_published_structure_leak(tmp_path):
    rows, contigs = published_twin()
    path = write(tmp_path / "human-sequences.bed", bed_text(rows))
    splits = split_as_caduceus(SimpleNamespace(contigs=contigs), path, 1 << 17)
    assert len(splits.published) == 34_021
    for held_out in (splits.valid, splits.test):
        assert overlap_bp(splits.train, held_out) / total_bp(held_out) > 0.9
    assert 12 < splits.listed_bp["train"] / total_bp(splits.train) < 14


def test_errors(tmp_path):
    for length_bp in (1_000, 1 << 21):
        with pytest.raises(UserError, match="give a power of 2 up to that"):
            PublishedWindows(GENOME, TRAIN, length_bp, seed=0, rc_aug=True)
    path = write(tmp_path / "x.bed", bed_text(ROWS))
    with pytest.raises(UserError, match="give a power of 2 up to that"):
        split_as_caduceus(GENOME, path, 3_000)
    with pytest.raises(UserError, match=r"'mock1' has .* less than a window of 1,048,576 bp"):
        split_as_caduceus(GENOME, path, 1 << 20)
    with pytest.raises(UserError, match="train split is empty"):
        PublishedWindows(GENOME, [], 1 << 14, seed=0, rc_aug=True)
    with pytest.raises(ValueError, match="count from 0"):
        PublishedWindows(GENOME, TRAIN, 1 << 14, 0, True).locate(np.array([-1]))


def test_the_windows_stay_what_they_are():
    # A change here changes the windows of every run that is resumed.
    windows = PublishedWindows(GENOME, TRAIN, 1 << 14, seed=0, rc_aug=True)
    places, flip = windows.locate(np.array([0, 1, 100, 1_000]))
    assert list(zip(places.starts.tolist(), flip.tolist(), strict=True)) == EXPECTED


EXPECTED = [(901120, True), (529288, False), (114688, False), (234376, True)]
