"""Single positions of the ops that mix positions, against the float64 loops."""

import pytest
import torch

from genomenet.ops.attention import attend
from genomenet.ops.conv import conv_silu_step
from genomenet.ops.ema import ema_step
from genomenet.ops.rope import apply_rope_at
from genomenet.ops.ssd import ssd_step_
from tests.oracles import ops as oracle

PRECISIONS = [(torch.float64, 1e-10), (torch.float32, 1e-5)]
LENGTH = 19


def assert_close(found, expected, bound):
    torch.testing.assert_close(found.double(), expected, rtol=bound, atol=bound)


@pytest.mark.parametrize(("dtype", "bound"), PRECISIONS)
def test_ssd(dtype, bound):
    x, dt = torch.randn(2, LENGTH, 3, 4), torch.rand(2, LENGTH, 3)
    A, D = -torch.rand(3) * 3, torch.randn(3)
    B, C = torch.randn(2, 2, LENGTH, 5)
    inputs = [t.to(dtype) for t in (x, dt, A, B, C, D)]
    expected = oracle.ssd(*(t.double() for t in inputs))
    x, dt, A, B, C, D = inputs
    state = torch.zeros(2, 3, 4, 5, dtype=dtype)
    for t in range(LENGTH):
        y = ssd_step_(state, x[:, t], dt[:, t], A, B[:, t], C[:, t], D)
        assert_close(y, expected[:, t], bound)


@pytest.mark.parametrize(("dtype", "bound"), PRECISIONS)
@pytest.mark.parametrize("taps", [1, 2, 4])
def test_conv(dtype, bound, taps):
    x, weight, bias = (
        t.to(dtype) for t in (torch.randn(2, LENGTH, 6), torch.randn(6, taps), torch.randn(6))
    )
    expected = oracle.conv_silu(x.double(), weight.double(), bias.double())
    padded = torch.cat([x.new_zeros(2, taps - 1, 6), x], 1)
    for t in range(LENGTH):
        found = conv_silu_step(padded[:, t : t + taps - 1], x[:, t], weight, bias)
        assert_close(found, expected[:, t], bound)


@pytest.mark.parametrize(("dtype", "bound"), PRECISIONS)
def test_attention_to_what_is_seen(dtype, bound):
    q, k, v = (torch.randn(2, LENGTH, 3, 4).to(dtype) for _ in range(3))
    expected = oracle.attention(q.double(), k.double(), v.double(), 6)
    keys, values = (t.transpose(1, 2) for t in (k, v))
    place = torch.arange(LENGTH)
    for t in range(LENGTH):
        seen = ((place <= t) & (place >= t - 6)).expand(2, -1)
        assert_close(attend(q[:, t], keys, values, seen), expected[:, t], bound)
        window = slice(max(0, t - 6), t + 1)
        without_others = attend(q[:, t], keys[:, :, window], values[:, :, window])
        assert_close(without_others, expected[:, t], bound)


@pytest.mark.parametrize(("dtype", "bound"), PRECISIONS)
@pytest.mark.parametrize("rotary_dim", [0, 2, 6])
def test_rope_at_a_position_of_each_rows_own(dtype, bound, rotary_dim):
    x = torch.randn(4, LENGTH, 2, 6).to(dtype)
    expected = oracle.rope(x.double(), rotary_dim, 100.0)
    position, row = torch.tensor([0, 7, 3, LENGTH - 1]), torch.arange(4)
    found = apply_rope_at(x[row, position], position, rotary_dim, 100.0)
    assert_close(found, expected[row, position], bound)
    with pytest.raises(ValueError, match="rotary_dim"):
        apply_rope_at(x[:, 0], position, 5)


@pytest.mark.parametrize(("dtype", "bound"), PRECISIONS)
def test_ema(dtype, bound):
    z, p = torch.randn(2, LENGTH, 5).to(dtype), torch.rand(2, LENGTH).to(dtype)
    p[:, 4], p[:, 9] = 0, 1
    expected = oracle.ema(z.double(), p.double())
    y = torch.zeros(2, 5, dtype=dtype)
    for t in range(LENGTH):
        y = ema_step(y, z[:, t], p[:, t])
        assert_close(y, expected[:, t], bound)
