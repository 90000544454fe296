import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomenet.errors import UserError
from genomenet.genome.genome import whole_contigs
from genomenet.genome.intervals import Interval
from genomenet.genome.mock import MockGenome
from genomenet.windows.held_out import HeldOutTiles

GENOME = MockGenome(20_000, seed=1)
INTERVALS = st.lists(
    st.builds(
        lambda contig, start, length: Interval(contig, start, start + length),
        st.sampled_from(["mock1", "mock2"]),
        st.integers(0, 5_000),
        st.integers(1, 1_000),
    ),
    min_size=1,
    max_size=5,
)


def slow_tiles(intervals: list[Interval], length_bp: int) -> tuple[list[Interval], int]:
    """Tiles in order without those inside a run of N, and how many those are."""
    covered = sorted({(i.contig, p) for i in intervals for p in range(i.start, i.end)})
    tiles: list[list[tuple[str, int]]] = []
    fresh = True
    for contig, position in covered:
        follows = bool(tiles) and tiles[-1][-1] == (contig, position - 1)
        fresh = not follows or len(tiles[-1]) == length_bp
        if fresh:
            tiles.append([])
        tiles[-1].append((contig, position))
    found = [Interval(t[0][0], t[0][1], t[-1][1] + 1) for t in tiles]
    kept = [
        t
        for t in found
        if not any(
            r.contig == t.contig and r.start <= t.start and t.end <= r.end for r in GENOME.n_runs
        )
    ]
    return kept, len(found) - len(kept)


@settings(max_examples=40, deadline=None)
@given(INTERVALS, st.integers(10, 400))
def test_against_the_slow_way(intervals, length_bp):
    expected, n_only = slow_tiles(intervals, length_bp)
    if not expected:
        with pytest.raises(UserError, match="no base but N"):
            HeldOutTiles(GENOME, intervals, length_bp)
        return
    tiles = HeldOutTiles(GENOME, intervals, length_bp)
    assert [tiles.interval(i) for i in range(len(tiles))] == expected
    assert tiles.n_only_tiles == n_only


@pytest.mark.parametrize("length_bp", [16, 20, 50])
@pytest.mark.parametrize("shift", [-30, 0, 1])
def test_borders_inside_and_at_the_ends_of_a_run(length_bp, shift):
    run = GENOME.n_runs[0]
    for interval in (
        Interval(run.contig, run.start + shift, run.end + 170),
        Interval(run.contig, run.start - 170, run.end + shift),
    ):
        tiles = HeldOutTiles(GENOME, [interval], length_bp)
        expected, n_only = slow_tiles([interval], length_bp)
        assert [tiles.interval(i) for i in range(len(tiles))] == expected
        assert tiles.n_only_tiles == n_only > 0


@pytest.mark.parametrize("length_bp", [7, 33, 100, 5_000])
def test_every_base_exactly_once(length_bp):
    tiles = HeldOutTiles(GENOME, whole_contigs(GENOME), length_bp)
    seen = {contig.name: np.zeros(contig.length_bp, dtype=int) for contig in GENOME.contigs}
    for i in range(len(tiles)):
        tile = tiles.interval(i)
        seen[tile.contig][tile.start : tile.end] += 1
    skipped = 0
    for name, counts in seen.items():
        assert counts.max() == 1
        left = np.flatnonzero(counts == 0)
        skipped += left.size
        for position in left.tolist():
            assert GENOME.read(name, position, position + 1)[0] == 4
    assert (skipped > 0) == (tiles.n_only_tiles > 0) == (length_bp <= 100)


def test_batches():
    tiles = HeldOutTiles(GENOME, [Interval("mock1", 100, 1_050), Interval("mock2", 0, 90)], 300)
    batch = tiles.batch(0, 99)
    assert len(tiles) == 5
    assert batch.lengths.tolist() == [300, 300, 300, 50, 90]
    assert not batch.flip.any()
    for row in range(5):
        tile = tiles.interval(row)
        codes = GENOME.read(tile.contig, tile.start, tile.end)
        assert np.array_equal(batch.codes[row, : tile.length_bp], codes)
        assert (batch.codes[row, tile.length_bp :] == 4).all()
        mask = GENOME.read_mask(tile.contig, tile.start, tile.end)
        assert np.array_equal(batch.masked[row, : tile.length_bp], mask)
        assert not batch.masked[row, tile.length_bp :].any()
        assert np.array_equal(tiles.batch(row, 1).codes[0], batch.codes[row])
    assert batch.names()[3] == "mock1:1,000-1,050"
    assert tiles.batch(4, 3).codes.shape == (1, 300)


def test_limit_spreads_evenly():
    every = HeldOutTiles(GENOME, whole_contigs(GENOME), 100)
    places = {every.interval(i): i for i in range(len(every))}
    for limit in (1, 7, len(every) - 1, len(every), 10_000):
        some = HeldOutTiles(GENOME, whole_contigs(GENOME), 100, limit=limit)
        kept = [places[some.interval(i)] for i in range(len(some))]
        assert len(kept) == min(limit, len(every))
        gaps = np.diff(kept)
        assert gaps.size == 0 or gaps.min() >= max(1, len(every) // limit)
        assert gaps.size == 0 or gaps.max() <= len(every) // limit + 1


def test_out_of_range_and_bad_lengths():
    tiles = HeldOutTiles(GENOME, whole_contigs(GENOME), 100)
    with pytest.raises(IndexError):
        tiles.interval(len(tiles))
    with pytest.raises(UserError, match="at least one base"):
        HeldOutTiles(GENOME, whole_contigs(GENOME), 0)
    with pytest.raises(UserError, match="must be at least 1"):
        HeldOutTiles(GENOME, whole_contigs(GENOME), 100, limit=0)
