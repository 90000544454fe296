"""The SSD scan against a sequential float64 recurrence."""

import pytest
import torch
from torch.nn import functional as F

from genomenet.ops import ssd_blocks, ssd_scan
from genomenet.ops.ssd_groups import groups
from tests.oracles import ops as oracle
from tests.oracles.compare import assert_matches, relative, values_and_gradients

LENGTHS = [1, 2, 63, 64, 65, 200]


def make(batch=2, length=65, heads=3, width=4, state=5):
    f = torch.float64
    return [
        torch.randn(batch, length, heads, width, dtype=f),
        F.softplus(torch.randn(batch, length, heads, dtype=f) * 2 - 2),
        -torch.rand(heads, dtype=f) * 15 - 0.5,
        torch.randn(batch, length, state, dtype=f),
        torch.randn(batch, length, state, dtype=f),
        torch.randn(heads, dtype=f),
    ]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_matches_the_recurrence(length, dtype, bound):
    assert_matches(ssd_scan, oracle.ssd, make(length=length), dtype, bound)


@pytest.mark.parametrize("numbers", [1, 16 * 12, 64 * 12])
@pytest.mark.parametrize("block", [1, 16, 300])
def test_blocks_and_groups_do_not_matter(monkeypatch, numbers, block):
    monkeypatch.setattr(ssd_blocks, "CPU_GROUP", numbers)
    inputs = make(batch=3, length=75)
    assert_matches(lambda *t: ssd_scan(*t, block=block), oracle.ssd, inputs, torch.float64, 1e-10)


@pytest.mark.parametrize("length", [5, 64, 150])
@pytest.mark.parametrize("size", [1, 64, 128, 1000])
def test_groups_tile_every_position_once(length, size):
    count = torch.zeros(3, length, dtype=torch.int)
    for rows, positions, first, blocks in groups(3, length, min(64, length), size):
        count[rows, positions] += 1
        assert positions.start == first * min(64, length)
        assert (positions.stop - positions.start) % blocks == 0
    assert (count == 1).all()


@pytest.mark.parametrize("dt", [0.0, 1e-8, 1e-3, 30.0, 1e4])
def test_extreme_steps(dt):
    inputs = make(length=130)
    inputs[1] = torch.full_like(inputs[1], dt)
    assert_matches(ssd_scan, oracle.ssd, inputs, torch.float64, 1e-10)
    assert_matches(ssd_scan, oracle.ssd, inputs, torch.float32, 1e-4)


def test_one_huge_step_among_tiny_ones():
    # A cumulative sum keeps the rounding error of its largest term: here exp(-60) or stronger
    # sits in front of steps whose decays are near 1.
    inputs = make(length=64)
    inputs[1] = torch.full_like(inputs[1], 1e-3)
    inputs[1][:, 20] = 1e4
    assert_matches(ssd_scan, oracle.ssd, inputs, torch.float32, 1e-4)


@pytest.mark.parametrize("rate", [1e-6, 16.0, 1e6])
def test_extreme_rates(rate):
    inputs = make(length=130)
    inputs[2] = torch.full_like(inputs[2], -rate)
    assert_matches(ssd_scan, oracle.ssd, inputs, torch.float32, 1e-4)


def test_bfloat16_products_stay_within_their_rounding():
    inputs = [t.float().double() for t in make(length=200, width=16, state=16)]
    dy = torch.randn_like(inputs[0])
    expected = values_and_gradients(oracle.ssd, inputs, torch.float64, dy)
    actual = values_and_gradients(
        lambda *t: ssd_scan(*t, matmul_dtype=torch.bfloat16), inputs, torch.float32, dy
    )
    errors = [relative(a, e) for a, e in zip(actual, expected, strict=True)]
    assert max(errors) < 2e-2  # bfloat16 has 8 bits: 2^-8 is 4e-3
    assert errors[0] > 1e-5  # and they did run in bfloat16


def test_autocast_leaves_the_scan_in_float32():
    inputs = [t.float() for t in make(length=100)]
    dy = torch.randn_like(inputs[0])
    plain = values_and_gradients(ssd_scan, inputs, torch.float32, dy)
    with torch.autocast("cpu", torch.bfloat16):
        cast = values_and_gradients(ssd_scan, inputs, torch.float32, dy)
    for one, other in zip(plain, cast, strict=True):
        assert one.dtype == other.dtype == torch.float32
        assert torch.equal(one, other)


def test_bfloat16_inputs_are_scanned_in_float32():
    inputs = [t.bfloat16() for t in make(length=100)]
    y = ssd_scan(*inputs)
    assert y.dtype == torch.bfloat16
    assert relative(y, oracle.ssd(*[t.double() for t in inputs])) < 4e-3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_strictly_causal(dtype):
    inputs = [t.to(dtype) for t in make(length=150)]
    y = ssd_scan(*inputs)
    for t in (0, 63, 64, 100, 149):
        changed = [i.clone() for i in inputs]
        for i in (0, 1, 3, 4):
            changed[i][:, t:] = torch.rand_like(changed[i][:, t:])
        assert torch.equal(ssd_scan(*changed)[:, :t], y[:, :t])
        assert not torch.equal(ssd_scan(*changed)[:, t], y[:, t])


def test_rows_are_independent():
    x, dt, A, B, C, D = make(batch=3, length=100)
    y = ssd_scan(x, dt, A, B, C, D)
    alone = ssd_scan(x[1:2], dt[1:2], A, B[1:2], C[1:2], D)
    torch.testing.assert_close(y[1:2], alone, rtol=1e-12, atol=1e-12)


def test_strided_inputs():
    x, dt, A, B, C, D = (t.float() for t in make(length=100))
    wide = torch.cat([x.flatten(2), B, C], -1)
    xs, Bs, Cs = wide.split([12, 5, 5], -1)
    dts = dt.transpose(1, 2).contiguous().transpose(1, 2)
    assert not Bs.is_contiguous()
    assert not dts.is_contiguous()
    strided = ssd_scan(xs.unflatten(-1, (3, 4)), dts, A, Bs, Cs, D)
    torch.testing.assert_close(strided, ssd_scan(x, dt, A, B, C, D), rtol=1e-6, atol=1e-6)
    dy = torch.randn(2, 3, 4, 100).permute(0, 3, 1, 2)
    inputs = [x, dt, A, B, C, D]
    one = values_and_gradients(ssd_scan, inputs, torch.float32, dy)
    other = values_and_gradients(ssd_scan, inputs, torch.float32, dy.contiguous())
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_gradcheck():
    inputs = [t.requires_grad_() for t in make(batch=1, length=5, heads=2, width=2, state=2)]
    assert torch.autograd.gradcheck(lambda *t: ssd_scan(*t, block=2), inputs)


def test_shapes_are_checked():
    x, dt, A, B, C, D = make(length=4)
    with pytest.raises(ValueError, match="dt has shape"):
        ssd_scan(x, dt[:, :3], A, B, C, D)
    with pytest.raises(ValueError, match="A and D"):
        ssd_scan(x, dt, A, B, C, D[:1])
    with pytest.raises(ValueError, match="B and C"):
        ssd_scan(x, dt, A, B, C[..., :2], D)
    with pytest.raises(ValueError, match="block must be positive"):
        ssd_scan(x, dt, A, B, C, D, block=0)
