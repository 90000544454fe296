import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomenet.errors import UserError
from genomenet.genome.genome import whole_contigs
from genomenet.genome.intervals import Interval
from genomenet.genome.mock import MockGenome
from genomenet.windows.tiling import Tiling
from genomenet.windows.training_windows import TrainingWindows

GENOME = MockGenome(60_000, seed=1)


def windows(intervals=None, length_bp=700, seed=3, rc_aug=True) -> TrainingWindows:
    return TrainingWindows(
        GENOME, intervals or whole_contigs(GENOME), length_bp, seed=seed, rc_aug=rc_aug
    )


def epoch_of(made: TrainingWindows, epoch: int) -> list[Interval]:
    first, end = made.first_sample(epoch), made.first_sample(epoch + 1)
    batch = made.batch(first, end - first)
    rows = zip(batch.contigs, batch.starts.tolist(), strict=True)
    return [Interval(contig, start, start + made.length_bp) for contig, start in rows]


def where(made: TrainingWindows, sample: int) -> tuple[str, int, bool]:
    """Contig, start and strand of one window."""
    places, flip = made.locate(np.array([sample]))
    assert places.lengths.tolist() == [made.length_bp]
    return GENOME.contigs[int(places.contigs[0])].name, int(places.starts[0]), bool(flip[0])


INTERVALS = st.lists(
    st.builds(
        lambda contig, start, length: Interval(contig, start, start + length),
        st.sampled_from(["mock1", "mock2"]),
        st.integers(0, 12_000),
        st.integers(250, 5000),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=40, deadline=None)
@given(INTERVALS, st.integers(20, 250), st.integers(0, 2**63), st.integers(0, 5))
def test_an_epoch_tiles_every_piece(intervals, length_bp, seed, epoch):
    made = windows(intervals, length_bp, seed)
    allowed = np.zeros((2, 40_000), dtype=bool)
    for piece in intervals:
        allowed[int(piece.contig[-1]) - 1, piece.start : piece.end] = True
    seen = np.zeros_like(allowed, dtype=int)
    found = epoch_of(made, epoch)
    for window in found:
        seen[int(window.contig[-1]) - 1, window.start : window.end] += 1
    assert seen.max() == 1, "a base twice in an epoch"
    assert not (seen.astype(bool) & ~allowed).any(), "a window left its interval"
    for piece in made.pieces:
        inside = sorted(
            w for w in found if w.contig == piece.contig and piece.start <= w.start < piece.end
        )
        starts = [w.start for w in inside]
        assert starts, "a piece without a window"
        assert set(np.diff(starts).tolist()) <= {length_bp}
        assert starts[0] - piece.start < length_bp
        assert piece.end - inside[-1].end < length_bp


def test_windows_avoid_long_n_runs_only():
    runs = GENOME.n_runs
    assert [run.length_bp for run in runs] == [360, 180, 100]
    for length_bp, avoided in [(90, runs), (150, runs[:2]), (400, ())]:
        made = windows(length_bp=length_bp)
        for run in runs:
            inside = [
                piece
                for piece in made.pieces
                if piece.contig == run.contig and piece.start < run.end and run.start < piece.end
            ]
            assert bool(inside) == (run not in avoided)


def test_bases_are_seen_about_once_an_epoch():
    made = windows([Interval("mock1", 100, 9_000)], length_bp=300)
    seen = np.zeros(9_000)
    epochs = 200
    for epoch in range(epochs):
        for window in epoch_of(made, epoch):
            seen[window.start : window.end] += 1
    assert not seen[:100].any()
    share = seen[100:] / epochs
    assert share[300:-300] == pytest.approx(np.ones(8_300))
    # The ends are reached by some phases only.
    assert share.mean() == pytest.approx(1 - 300 / 8_900, abs=0.01)


def test_phases_differ_between_epochs_and_pieces():
    made = windows(length_bp=500)
    phases = {
        (epoch, piece.contig): min(
            w.start for w in epoch_of(made, epoch) if w.contig == piece.contig
        )
        for epoch in range(4)
        for piece in made.pieces
    }
    assert len(set(phases.values())) > 9


@pytest.mark.parametrize("rc_aug", [True, False])
def test_a_batch_is_its_samples(rc_aug):
    made = windows(rc_aug=rc_aug)
    # Long enough to cross several epochs.
    first, count = 5, made.first_sample(3)
    batch = made.batch(first, count)
    assert batch.codes.shape == batch.masked.shape == (count, 700)
    assert (batch.lengths == 700).all()
    for row in range(count):
        contig, start, flip = where(made, first + row)
        assert (batch.contigs[row], batch.starts[row], batch.flip[row]) == (contig, start, flip)
        assert np.array_equal(batch.codes[row], GENOME.read(contig, start, start + 700))
        assert np.array_equal(batch.masked[row], GENOME.read_mask(contig, start, start + 700))
        assert batch.names()[row] == f"{contig}:{start:,}-{start + 700:,}"
        single = made.batch(first + row, 1)
        assert np.array_equal(single.codes[0], batch.codes[row])
        assert single.flip[0] == flip
    share = batch.flip.mean()
    assert (0.35 < share < 0.65) if rc_aug else share == 0


def test_samples_in_any_order_and_after_pickling():
    wanted = {sample: where(windows(), sample) for sample in (900, 3, 250, 77_777)}
    made = windows()
    assert {sample: where(made, sample) for sample in sorted(wanted)} == wanted
    again = pickle.loads(pickle.dumps(made))
    assert {sample: where(again, sample) for sample in reversed(wanted)} == wanted


def test_epoch_numbers():
    tiling = Tiling(np.array([1000, 230]), 100, seed=1)
    for epoch in (0, 1, 7):
        ends = np.array([tiling.first_sample(epoch), tiling.first_sample(epoch + 1) - 1])
        assert tiling.epochs_of(ends).tolist() == [epoch, epoch]
    assert tiling.first_sample(0) == 0


def test_epochs_and_seeds_are_in_other_orders():
    orders = [tuple(epoch_of(windows(seed=seed), epoch)) for seed in (1, 2) for epoch in (0, 1)]
    assert len(set(orders)) == 4
    for order in orders:
        assert list(order) != sorted(order)


def test_interval_order_does_not_matter():
    intervals = [Interval("mock2", 0, 6_000), Interval("mock1", 50, 9_000)]
    first, second = windows(intervals), windows(intervals[::-1])
    assert [where(first, i) for i in range(60)] == [where(second, i) for i in range(60)]


def test_dropped_bases():
    intervals = [Interval("mock1", 0, 1_000), Interval("mock1", 2_000, 2_699)]
    made = windows(intervals)
    assert made.dropped_bp == 699
    assert made.pieces == intervals[:1]
    assert Counter(epoch_of(made, 0)).most_common(1)[0][1] == 1


def test_an_empty_batch():
    assert windows().batch(4, 0).codes.shape == (0, 700)


def test_windows_too_long():
    with pytest.raises(UserError) as caught:
        windows([Interval("mock1", 0, 500), Interval("mock2", 0, 600)])
    assert "700 bp is longer than every training interval" in str(caught.value)
    assert "has 600 bp" in str(caught.value)
    assert "lower data.max_length" in str(caught.value)
    with pytest.raises(UserError, match="at least one base"):
        windows(length_bp=0)
    with pytest.raises(ValueError, match="count from 0"):
        where(windows(), -1)


def test_the_windows_stay_what_they_are():
    # A change here changes the windows of every run that is resumed.
    made = windows([Interval("mock1", 0, 10_000)], length_bp=1_000, seed=0)
    assert [where(made, sample) for sample in (0, 1, 10, 1_000)] == EXPECTED_WINDOWS


EXPECTED_WINDOWS = [
    ("mock1", 8503, False),
    ("mock1", 4503, True),
    ("mock1", 6241, False),
    ("mock1", 7318, True),
]
