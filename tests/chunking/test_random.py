"""Random boundaries: their rate, their independence, and what they depend on."""

import pytest
import torch

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.noise import hash_recent, uniform
from genomenet.chunking.random import RandomChunker
from genomenet.genome.permutation import mix

ROWS, LENGTH = 64, 4096


def positions(seed=0, tokens=True):
    drawn = torch.randint(0, 4, (ROWS, LENGTH), generator=torch.Generator().manual_seed(seed))
    valid = torch.ones(ROWS, LENGTH, dtype=torch.bool)
    return Positions(valid, drawn if tokens else None)


def ask(chunker, where):
    return chunker(torch.zeros(ROWS, LENGTH, 1), where) > 0.5


@pytest.mark.parametrize("target", [1.5, 4.0, 12.5])
def test_the_rate_is_the_targets_within_sampling_error(target):
    asked = ask(RandomChunker(target, 0, 0), positions())
    share = 1 / target
    error = (share * (1 - share) / asked.numel()) ** 0.5
    assert abs(asked.double().mean().item() - share) < 4 * error
    by_column = asked.double().mean(0)
    assert abs(by_column - share).max() < 6 * (share * (1 - share) / ROWS) ** 0.5
    pairs = (asked[:, 1:] & asked[:, :-1]).double().mean().item()
    assert abs(pairs - share**2) < 5 * (share**2 / asked.numel()) ** 0.5


def test_draws_are_uniform():
    values = uniform(torch.arange(200_000), 3, 1)
    assert values.min() >= 0
    assert values.max() < 1
    histogram = torch.histc(values.float(), 50, 0, 1)
    assert (((histogram - 4000) ** 2) / 4000).sum() < 110, "chi squared with 49 degrees"


def test_the_hash_is_that_of_the_window_order():
    """Two implementations of splitmix64, one in torch, one in numpy."""
    numbers = torch.tensor([0, 1, 5, 2**40, -3])
    expected = (mix(numbers.numpy().view("uint64"), 77, -1) >> 11) * 2.0**-53
    assert uniform(numbers, 77, -1).tolist() == pytest.approx(expected.tolist(), abs=0)


def test_seeds_stages_and_windows_differ():
    where = positions()
    plain = ask(RandomChunker(2.0, 0, 0), where)
    for other in (
        ask(RandomChunker(2.0, 1, 0), where),
        ask(RandomChunker(2.0, 0, 1), where),
        ask(RandomChunker(2.0, 0, 0), positions(seed=1)),
        plain.roll(1, 0),
    ):
        assert (plain == other).double().mean().item() == pytest.approx(0.5, abs=0.01)


def test_within_a_hierarchy_only_the_position_counts():
    asked = ask(RandomChunker(3.0, 0, 1), positions(tokens=False))
    assert (asked == asked[:1]).all()
    assert asked[0].double().mean().item() == pytest.approx(1 / 3, abs=0.03)


def test_a_word_is_told_from_its_neighbours():
    words = torch.cartesian_prod(*[torch.arange(-1, 5)] * 6)
    assert hash_recent(words).unique().numel() == len(words)
