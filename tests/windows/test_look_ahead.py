import numpy as np
import pytest

from genomenet.genome.genome import whole_contigs
from genomenet.genome.intervals import Interval
from genomenet.genome.mock import MockGenome
from genomenet.windows import look_ahead
from genomenet.windows.look_ahead import LookAhead
from genomenet.windows.training_windows import TrainingWindows
from genomenet.windows.window_batch import read_windows

GENOME = MockGenome(60_000, seed=1)
SHORT = [Interval("mock2", start, start + 90) for start in range(0, 18_000, 100)]


@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize("ahead", [1, 7, 64, 4096])
def test_batches_are_those_without_looking_ahead(monkeypatch, pack, ahead):
    intervals = [whole_contigs(GENOME)[0], *SHORT]
    windows = TrainingWindows(GENOME, intervals, 300, seed=2, rc_aug=True, pack=pack)
    monkeypatch.setattr(look_ahead, "_MOST_WINDOWS", ahead)
    reader = LookAhead(windows)
    # In turn, with leaps as of one worker of several, back again, and across epochs.
    for first, count in [(0, 5), (5, 5), (30, 9), (39, 0), (2, 50), (900, 40), (940, 3)]:
        found = read_windows(GENOME, *reader.locate(first, count), windows.length_bp)
        wanted = windows.batch(first, count)
        assert np.array_equal(found.codes, wanted.codes)
        assert np.array_equal(found.masked, wanted.masked)
        assert np.array_equal(found.flip, wanted.flip)
        assert np.array_equal(found.lengths, wanted.lengths)
        assert found.names() == wanted.names()


def test_places_are_found_many_at_a_time(monkeypatch):
    windows = TrainingWindows(GENOME, whole_contigs(GENOME), 300, seed=2, rc_aug=True)
    asked = []
    locate = windows.locate
    monkeypatch.setattr(
        windows, "locate", lambda samples: (asked.append(len(samples)), locate(samples))[1]
    )
    reader = LookAhead(windows)
    for first in range(0, 4096, 64):
        reader.locate(first, 64)
    assert asked == [4096]
