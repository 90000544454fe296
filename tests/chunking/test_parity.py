"""The smoothing as the published code rounds it."""

import math

import pytest
import torch

from genomenet.chunking.boundaries import Boundaries
from genomenet.chunking.chunk import find_chunks
from genomenet.chunking.dechunk import smooth, smooth_step, to_bfloat16_and_back
from tests.oracles.ops import published_ema


def boundaries(p):
    return Boundaries(p, torch.ones_like(p, dtype=torch.bool), torch.ones_like(p, dtype=torch.bool))


def smoothed(z, p):
    decided = boundaries(p)
    return smooth(z, find_chunks(decided.mask), decided, parity=True)


def test_weights_do_not_add_up_to_one():
    """As measured on the published code: ones smoothed at p = 0.55 end at 1.0078."""
    y = smoothed(torch.ones(1, 40, 3), torch.full((1, 40), 0.55))
    assert y[0, -1].tolist() == pytest.approx([1.0078125] * 3, abs=0)
    exact = boundaries(torch.full((1, 40), 0.55))
    plain = smooth(torch.ones(1, 40, 3), find_chunks(exact.mask), exact)
    assert plain[0, -1].tolist() == pytest.approx([1.0] * 3)


def test_values_and_gradients_against_the_oracle():
    torch.manual_seed(0)
    z = torch.randn(2, 37, 5, dtype=torch.float64)
    p = torch.rand(2, 37, dtype=torch.float64)
    p[:, 0] = 1
    p[0, 5] = 0
    weight = p.clamp(1e-4, 1 - 1e-4)
    dy = torch.randn(2, 37, 5, dtype=torch.float64)
    pairs = []
    for function, gates in ((smoothed, p), (published_ema, weight)):
        leaves = z.clone().requires_grad_(), gates.clone().requires_grad_()
        y = function(*leaves)
        pairs.append((y.detach(), *torch.autograd.grad(y, leaves, dy)))
    actual, expected = pairs
    # Rounding can fall on either side where the sums differ in their last digits.
    torch.testing.assert_close(actual[0], expected[0], rtol=2**-7, atol=1e-12)
    assert (actual[0] == expected[0]).double().mean() > 0.99
    # Gradients pass through bfloat16 too.
    inside = (p > 1e-4) & (p < 1 - 1e-4)
    torch.testing.assert_close(actual[1], expected[1], rtol=0.02, atol=0.02)
    torch.testing.assert_close(actual[2][inside], expected[2][inside], rtol=0.05, atol=0.2)


def test_steps_are_the_whole():
    torch.manual_seed(1)
    z, p = torch.randn(3, 20, 4), torch.rand(3, 20)
    whole = smoothed(z, p)
    y = torch.zeros(3, 4)
    for s in range(20):
        y = smooth_step(y, z[:, s], p[:, s], parity=True)
        torch.testing.assert_close(to_bfloat16_and_back(y), whole[:, s], rtol=2**-7, atol=1e-6)


def test_rounding_is_small():
    torch.manual_seed(2)
    z, p = torch.randn(2, 64, 8), torch.rand(2, 64)
    decided = boundaries(p)
    plain = smooth(z, find_chunks(decided.mask), decided)
    difference = (smoothed(z, p) - plain).square().mean().sqrt()
    assert 0 < difference < 0.02 * math.sqrt(float(plain.square().mean()))
