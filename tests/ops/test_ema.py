"""The moving average against a sequential float64 loop."""

import pytest
import torch

from genomenet.ops import ema_scan
from tests.oracles import ops as oracle
from tests.oracles.compare import assert_matches, values_and_gradients

LENGTHS = [1, 2, 8, 9, 63, 64, 65, 200]


def mixed(batch, length):
    """Probabilities with the exact ends, near ends and anything between."""
    p = torch.rand(batch, length, dtype=torch.float64)
    ends = torch.tensor([0.0, 1.0, 1e-4, 1 - 1e-4], dtype=torch.float64)
    choice = torch.randint(0, 6, (batch, length))
    return torch.where(choice < 4, ends[choice.clamp(max=3)], p)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_matches_the_recurrence(length, dtype, bound):
    inputs = [torch.randn(3, length, 5, dtype=torch.float64), mixed(3, length)]
    assert_matches(ema_scan, oracle.ema, inputs, dtype, bound)


@pytest.mark.parametrize("p", [0.0, 1e-4, 1 - 1e-4, 1.0])
def test_constant_weights(p):
    inputs = [torch.randn(2, 100, 3, dtype=torch.float64), torch.full((2, 100), p).double()]
    assert_matches(ema_scan, oracle.ema, inputs, torch.float32, 1e-4)


def test_one_copies_and_zero_holds_exactly():
    z = torch.randn(2, 50, 4)
    assert torch.equal(ema_scan(z, torch.ones(2, 50)), z)
    p = torch.zeros(2, 50)
    p[:, 3] = 1
    y = ema_scan(z, p)
    assert torch.equal(y[:, :3], torch.zeros(2, 3, 4))
    assert torch.equal(y[:, 3:], z[:, 3:4].expand(-1, 47, -1))


def test_padding_changes_no_bit_of_the_valid_positions():
    z, p = torch.randn(2, 300, 4), torch.rand(2, 300)
    y = ema_scan(z, p)
    for length in (1, 7, 8, 9, 64, 65, 150):
        assert torch.equal(ema_scan(z[:, :length], p[:, :length]), y[:, :length])


def test_strictly_causal_and_rows_independent():
    z, p = torch.randn(3, 100, 4), torch.rand(3, 100)
    y = ema_scan(z, p)
    for t in (0, 8, 63, 99):
        other_z, other_p = z.clone(), p.clone()
        other_z[1, t:], other_p[1, t:] = 7.0, 0.5
        other = ema_scan(other_z, other_p)
        assert torch.equal(other[1, :t], y[1, :t])
        assert torch.equal(other[[0, 2]], y[[0, 2]])
        assert not torch.equal(other[1, t], y[1, t])


def test_float32_for_half_precision_and_under_autocast():
    z, p = torch.randn(2, 40, 4), torch.rand(2, 40)
    assert ema_scan(z.bfloat16(), p.bfloat16()).dtype == torch.float32
    assert ema_scan(z.double(), p).dtype == torch.float64
    dy = torch.randn_like(z)
    plain = values_and_gradients(ema_scan, [z, p], torch.float32, dy)
    with torch.autocast("cpu", torch.bfloat16):
        cast = values_and_gradients(ema_scan, [z, p], torch.float32, dy)
    assert all(torch.equal(a, b) for a, b in zip(plain, cast, strict=True))


def test_strided_inputs_are_left_alone():
    z = torch.randn(4, 40, 2).permute(2, 1, 0)
    p = torch.rand(40, 2).t()
    before = z.clone(), p.clone()
    assert torch.equal(ema_scan(z, p), ema_scan(z.contiguous(), p.contiguous()))
    assert torch.equal(z, before[0])
    assert torch.equal(p, before[1])


def test_gradcheck():
    z = torch.randn(2, 11, 2, dtype=torch.float64, requires_grad=True)
    p = torch.rand(2, 11, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ema_scan, (z, p))


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"need \(B, S, D\), \(B, S\)"):
        ema_scan(torch.zeros(2, 3, 4), torch.zeros(2, 4))
