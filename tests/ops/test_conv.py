"""The short convolution against a loop over taps."""

import pytest
import torch

from genomenet.ops import causal_conv_silu, conv
from tests.oracles import ops as oracle
from tests.oracles.compare import assert_matches, values_and_gradients


def make(length, channels=6, taps=4):
    f = torch.float64
    return [
        torch.randn(2, length, channels, dtype=f),
        torch.randn(channels, taps, dtype=f),
        torch.randn(channels, dtype=f),
    ]


@pytest.mark.parametrize("length", [1, 2, 3, 63, 64, 65, 200, 300])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_matches_the_loop(length, dtype, bound):
    assert_matches(causal_conv_silu, oracle.conv_silu, make(length), dtype, bound)


@pytest.mark.parametrize("rows", [1, 2, 5, 16])
@pytest.mark.parametrize("taps", [1, 2, 7])
def test_blocks_shorter_than_the_taps(monkeypatch, rows, taps):
    monkeypatch.setattr(conv, "ROWS", rows)
    assert_matches(causal_conv_silu, oracle.conv_silu, make(23, taps=taps), torch.float64, 1e-10)


def test_other_devices_take_the_torch_form(monkeypatch):
    inputs = make(20)
    expected = causal_conv_silu(*inputs)
    monkeypatch.setattr(conv, "_on_cpu", lambda tensor: False)
    assert_matches(causal_conv_silu, oracle.conv_silu, inputs, torch.float64, 1e-10)
    torch.testing.assert_close(causal_conv_silu(*inputs), expected)


def test_split_of_a_wider_tensor():
    x, weight, bias = (t.float() for t in make(300))
    wide = torch.cat([torch.randn(2, 300, 5), x, torch.randn(2, 300, 3)], -1)
    split = wide.split([5, 6, 3], -1)[1]
    assert not split.is_contiguous()
    dy = torch.randn(2, 6, 300).transpose(1, 2)
    one = values_and_gradients(causal_conv_silu, [split, weight, bias], torch.float32, dy)
    two = values_and_gradients(causal_conv_silu, [x, weight, bias], torch.float32, dy.contiguous())
    for a, b in zip(one, two, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_strictly_causal_and_rows_independent():
    x, weight, bias = make(300)
    y = causal_conv_silu(x, weight, bias)
    for t in (0, 1, 255, 256, 299):
        changed = x.clone()
        changed[1, t:] = 3.0
        other = causal_conv_silu(changed, weight, bias)
        assert torch.equal(other[1, :t], y[1, :t])
        assert torch.equal(other[0], y[0])
        assert not torch.equal(other[1, t], y[1, t])


def test_dtype_follows_x():
    x, weight, bias = (t.float() for t in make(20))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(causal_conv_silu(x, weight, bias), causal_conv_silu(x, weight, bias))
        assert causal_conv_silu(x, weight, bias).dtype == torch.float32
    assert causal_conv_silu(x.bfloat16(), weight, bias).dtype == torch.bfloat16


def test_gradcheck():
    inputs = [t.requires_grad_() for t in make(6, channels=2, taps=3)]
    assert torch.autograd.gradcheck(causal_conv_silu, inputs)


def test_shapes_are_checked():
    x, weight, bias = make(4)
    with pytest.raises(ValueError, match="need"):
        causal_conv_silu(x, weight[:2], bias)
    with pytest.raises(ValueError, match="need"):
        causal_conv_silu(x, weight, bias[:2])
