"""Choices under a budget against all choices there are."""

from itertools import product

import numpy as np
import pytest

from genomenet.evaluation.compute.budget import cheapest_choices


@pytest.mark.parametrize("seed", range(5))
def test_nothing_that_costs_as_little_is_better(seed):
    rng = np.random.default_rng(seed)
    flops = rng.uniform(1, 9, (5, 4))
    nats = rng.uniform(1, 9, (5, 4))
    rows = np.arange(5)
    budget = float(np.quantile(flops.sum(0), 0.5)) * 0.7
    choice = cheapest_choices(flops, nats, budget)
    spent, left = flops[rows, choice].sum(), nats[rows, choice].sum()
    assert spent <= budget
    for other in product(range(4), repeat=5):
        if flops[rows, other].sum() <= spent:
            assert nats[rows, other].sum() >= left - 1e-9


def test_a_large_budget_buys_the_best():
    rng = np.random.default_rng(0)
    flops, nats = rng.random((2, 6, 3))
    assert (cheapest_choices(flops, nats, 1e9) == nats.argmin(1)).all()


def test_a_budget_too_small_is_an_error():
    with pytest.raises(ValueError, match="does not pay"):
        cheapest_choices(np.ones((2, 2)), np.ones((2, 2)), 1.0)
