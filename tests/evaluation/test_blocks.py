"""Block bootstrap: covers what it promises where windows are alike, and windows alone don't."""

import math

import numpy as np
import pytest

from genomenet.evaluation.blocks import LEAST, lay_blocks, ratio_intervals
from genomenet.evaluation.confidence import bootstrap_interval
from genomenet.genome.intervals import Interval
from genomenet.windows.held_out import HeldOutTiles


def test_blocks_keep_to_a_contig_and_a_length(genome_folder):
    from genomenet.genome.genome import open_genome

    tiles = HeldOutTiles(
        open_genome(genome_folder), [Interval("one", 0, 30_000), Interval("two", 0, 9_000)], 100
    )
    blocks = lay_blocks(tiles, 1000)
    assert blocks.block_bp == 1000
    assert len(blocks) == 39
    for i, block in enumerate(blocks.of_window):
        place = tiles.interval(i)
        assert blocks.contigs[block] == place.contig
        mates = [tiles.interval(j) for j in np.flatnonzero(blocks.of_window == block)]
        assert {mate.start // 1000 for mate in mates} == {place.start // 1000}
    assert len(lay_blocks(tiles)) >= 30


def test_covers_where_neighbours_are_alike():
    rng = np.random.default_rng(0)
    covered = {"blocks": 0, "windows": 0}
    trials, windows, size = 100, 1000, 25
    for trial in range(trials):
        # An autoregressive series: neighbours correlate at 0.8, the mean is 0.
        noise = rng.normal(size=windows + 100)
        nats = np.zeros(windows + 100)
        for i in range(1, len(nats)):
            nats[i] = 0.8 * nats[i - 1] + noise[i]
        nats, bases = nats[100:], np.ones(windows, dtype=np.int64)
        blocked = ratio_intervals(
            nats.reshape(-1, size).sum(1, keepdims=True),
            bases.reshape(-1, size).sum(1, keepdims=True), draws=400, seed=trial,
        )[0]  # fmt: skip
        alone = bootstrap_interval(nats, bases, draws=400, seed=trial)
        covered["blocks"] += blocked.low <= 0 <= blocked.high
        covered["windows"] += alone.low <= 0 <= alone.high
    assert covered["blocks"] >= 85
    assert covered["windows"] <= 65


def test_columns_are_what_each_gives_alone():
    rng = np.random.default_rng(1)
    nats, bases = rng.random((40, 3)) * 100, rng.integers(0, 90, (40, 3))
    together = ratio_intervals(nats, bases)
    assert together == ratio_intervals(nats, bases)
    for column, one in enumerate(together):
        (alone,) = ratio_intervals(nats[:, [column]], bases[:, [column]])
        assert one.centre == pytest.approx(nats[:, column].sum() / bases[:, column].sum())
        assert (one.low, one.high) == pytest.approx((alone.low, alone.high), rel=1e-12)
        assert one.low < one.centre < one.high


def test_too_few_blocks_bound_nothing():
    nats, bases = np.ones((LEAST, 2)), np.ones((LEAST, 2), dtype=np.int64)
    bases[0, 1] = nats[0, 1] = 0
    enough, few = ratio_intervals(nats, bases)
    assert (enough.low, enough.high) == (1.0, 1.0)
    assert (few.n, few.low, few.high) == (LEAST - 1, -math.inf, math.inf)
    (none,) = ratio_intervals(np.zeros((30, 1)), np.zeros((30, 1)))
    assert math.isnan(none.centre)
    with pytest.raises(ValueError, match="shape"):
        ratio_intervals(nats, bases[:, :1])
