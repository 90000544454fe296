import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomenet.genome.permutation import mix, permute


@given(st.integers(1, 3000), st.integers(0, 2**64 - 1), st.integers(0, 99))
def test_bijection(size, seed, epoch):
    places = permute(np.arange(size), size, seed, epoch)
    assert sorted(places.tolist()) == list(range(size))


@given(st.integers(1, 2**40), st.data())
def test_one_at_a_time_is_the_same(size, data):
    index = np.array(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=20)))
    together = permute(index, size, 7)
    assert together.tolist() == [
        int(permute(index[i : i + 1], size, 7)[0]) for i in range(len(index))
    ]
    assert together.min() >= 0
    assert together.max() < size


def test_order_looks_random_and_depends_on_the_key():
    size = 10_007
    first, second = permute(np.arange(size), size, 1, 0), permute(np.arange(size), size, 1, 1)
    for places in (first, second):
        assert abs(np.corrcoef(np.arange(size), places)[0, 1]) < 0.03
        steps = np.abs(np.diff(places))
        # Neighbours of a random permutation are a third of the range apart on average.
        assert steps.mean() == pytest.approx(size / 3, rel=0.03)
    assert (first == second).sum() < 10


def test_small_orders_are_all_reached():
    orders = {tuple(permute(np.arange(4), 4, seed).tolist()) for seed in range(500)}
    assert len(orders) >= 12


def test_mix_depends_on_every_part_and_its_place():
    draws = {int(mix(a, b, c)) for a in range(10) for b in range(10) for c in range(10)}
    assert len(draws) == 1000
    grid = mix(3, np.arange(4)[:, None], np.arange(5)[None, :])
    assert grid.shape == (4, 5)
    assert int(grid[2, 3]) == int(mix(3, 2, 3))


def test_mix_bits_are_even():
    bits = (mix(5, np.arange(20_000))[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.02


def test_mix_stays_what_it_is():
    # A change here changes the windows of every run that is resumed.
    assert [int(mix(0)), int(mix(1, 2)), int(mix(-1))] == EXPECTED_MIX
    assert permute(np.arange(10), 10, 42, 0).tolist() == EXPECTED_ORDER


EXPECTED_MIX = [16294208416658607535, 13608149317741381227, 16490336266968443936]
EXPECTED_ORDER = [2, 6, 1, 5, 4, 0, 7, 9, 3, 8]
