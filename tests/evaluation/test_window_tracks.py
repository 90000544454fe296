"""Tracks of windows: the same as scoring each window's sequence, base by base."""

import numpy as np
import pytest
import torch

from genomenet.evaluation.sequences import score_sequences
from genomenet.evaluation.window_tracks import window_tracks
from genomenet.genome.genome import open_genome
from genomenet.genome.intervals import Interval
from genomenet.windows.held_out import HeldOutTiles
from tests.evaluation.subjects import tiny_subject

PLACES = [Interval("two", 10, 100), Interval("one", 0, 150)]


@pytest.mark.parametrize("arm", ["transformer", "hnet two stages", "blt learned", "k-mers"])
def test_equal_each_window_as_a_sequence(arm, genome_folder):
    genome = open_genome(genome_folder)
    tiles = HeldOutTiles(genome, PLACES, 64)
    subject = tiny_subject(arm, batch_size=3)
    windows = list(window_tracks(subject, tiles))
    assert [one.place for one in windows] == [tiles.interval(i) for i in range(len(tiles))]
    codes = [genome.read(one.place.contig, one.place.start, one.place.end) for one in windows]
    for one, bases in zip(windows, codes, strict=True):
        (score,) = score_sequences(
            subject,
            [bases],
            [genome.read_mask(one.place.contig, one.place.start, one.place.end)],
            with_boundaries=subject.stages > 0 and arm != "k-mers",
        )
        assert one.nats == pytest.approx(score.nats, abs=1e-9)
        assert one.scored.tolist() == (bases < 4).tolist()
        for mine, other in zip(one.boundaries, score.boundaries, strict=arm != "k-mers"):
            # The last base of a window is not read here.
            np.testing.assert_allclose(mine.probability[:-1], other.probability[:-1], atol=1e-6)
            assert mine.boundary[:-1].tolist() == other.boundary[:-1].tolist()
            assert np.isnan(mine.probability[-1])
            assert not mine.boundary[-1]


def test_depth_counts_the_networks_that_ran(genome_folder):
    genome = open_genome(genome_folder)
    subject = tiny_subject("hnet two stages", batch_size=1)
    (window,) = window_tracks(subject, HeldOutTiles(genome, [Interval("one", 0, 64)], 64))
    bases = genome.read("one", 0, 64).tolist()
    with torch.no_grad():
        outer, inner = subject.model(torch.tensor([[4, *bases[:-1]]])).boundaries
    depth, place = [], 0
    for stepped in outer.mask[0].tolist():
        if stepped:
            depth.append(1 + int(inner.mask[0, place]))
            place += 1
        else:
            depth.append(0)
    assert window.depth.tolist() == depth
    assert window.depth[0] == 2  # the start symbol begins a chunk everywhere
