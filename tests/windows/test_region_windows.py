import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.genome.genome import whole_contigs
from genomenet.genome.mock import MockGenome
from genomenet.windows.region_windows import RegionWindows
from genomenet.windows.training_windows import TrainingWindows

GENOME = MockGenome(40_000, seed=1)
CLASSES = ("far", "near")
CRITICAL_9 = 27.9  # chi-square with nine degrees of freedom is larger once in a thousand times
TENTH_BP = 2_400  # "near" is the first tenth of the first contig


class Regions:
    """Stands in for a RegionTrack of two classes."""

    classes = CLASSES

    def read(self, contig, start, end):
        near = contig == "mock1"
        return (near & (np.arange(start, end) < TENTH_BP)).astype(np.uint8)

    def weights_of(self, weights):
        return np.array([weights.get(name, 1.0) for name in CLASSES])


def region_windows(weights, length_bp=100, seed=2):
    windows = TrainingWindows(GENOME, whole_contigs(GENOME), length_bp, seed, rc_aug=True)
    return RegionWindows(windows, Regions(), weights, seed)


def test_windows_are_drawn_by_the_mean_weight_of_their_bases():
    """Chi-square over ten bins of the first contig against weights computed base by base."""
    made = region_windows({"far": 0.5, "near": 4.0}, length_bp=600)
    batch = made.batch(0, 4000)
    starts = batch.starts[np.array(batch.contigs) == "mock1"]
    counts, edges = np.histogram(starts, bins=10, range=(0, 24_000 - 600))
    plain = made.windows
    expected = np.zeros(10)
    for epoch in range(200):
        first, end = plain.first_sample(epoch), plain.first_sample(epoch + 1)
        places, _ = plain.locate(np.arange(first, end))
        for contig, start in zip(places.contigs.tolist(), places.starts.tolist(), strict=True):
            if GENOME.contigs[contig].name == "mock1":
                near = max(0, min(TENTH_BP, start + 600) - start) / 600
                bin_number = min(9, np.searchsorted(edges, start, side="right") - 1)
                expected[bin_number] += 4.0 * near + 0.5 * (1 - near)
    expected *= counts.sum() / expected.sum()
    assert ((counts - expected) ** 2 / expected).sum() < CRITICAL_9
    assert ((counts - counts.mean()) ** 2 / counts.mean()).sum() > 10 * CRITICAL_9


def test_weight_zero_is_never_drawn():
    made = region_windows({"far": 0.0, "near": 1.0})
    batch = made.batch(0, 200)
    assert set(batch.contigs) == {"mock1"}
    assert batch.starts.max() < TENTH_BP


def test_a_batch_is_its_samples_in_any_order():
    made = region_windows({"far": 0.1})
    whole = made.batch(10, 40)
    for i in (39, 0, 21):
        one = made.batch(10 + i, 1)
        assert (one.codes[0] == whole.codes[i]).all()
        assert one.flip[0] == whole.flip[i]
    assert made.batch(0, 0).codes.shape == (0, 100)


def test_strands_are_drawn_too():
    flips = region_windows({"far": 0.1}).batch(0, 1000).flip
    assert 400 < flips.sum() < 600


def test_nothing_within_reach(monkeypatch):
    monkeypatch.setattr("genomenet.windows.region_windows._MOST_CANDIDATES", 100)
    made = region_windows({"far": 1.0})
    made._weights = np.array([1e-9, 1.0])
    made.regions.read = lambda contig, start, end: np.zeros(end - start, dtype=np.uint8)
    with pytest.raises(UserError, match=r"none of 100 windows .*raise the weights of more"):
        made.batch(0, 1)
