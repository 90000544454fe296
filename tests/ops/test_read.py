"""Many positions behind a prefix, of the ops that mix positions, against the float64 loops."""

import pytest
import torch

from genomenet.ops import ssd_blocks, ssd_prefix
from genomenet.ops.attention_prefix import attend_behind
from genomenet.ops.rope import apply_rope_from
from genomenet.ops.ssd import ssd_step_
from genomenet.ops.ssd_prefix import ssd_read_
from tests.oracles import ops as oracle

PRECISIONS = [(torch.float64, 1e-10), (torch.float32, 1e-5)]


def assert_close(found, expected, bound):
    torch.testing.assert_close(found.double(), expected, rtol=bound, atol=bound)


def scan_inputs(length, dtype=torch.float64):
    x, dt = torch.randn(2, length, 3, 4), torch.rand(2, length, 3)
    A, D = -torch.rand(3) * 3, torch.randn(3)
    B, C = torch.randn(2, 2, length, 5)
    return [t.to(dtype) for t in (x, dt, A, B, C, D)]


@pytest.mark.parametrize(("dtype", "bound"), PRECISIONS)
@pytest.mark.parametrize("numbers", [12, 2**18])
@pytest.mark.parametrize("splits", [[1, 1, 17, 10], [8, 16, 5], [29]])
def test_ssd(monkeypatch, dtype, bound, numbers, splits):
    """Blocks of 8 in one group or in many."""
    monkeypatch.setattr(ssd_prefix, "CPU_GROUP", numbers)
    x, dt, A, B, C, D = scan_inputs(sum(splits), dtype)
    expected = oracle.ssd(*(t.double() for t in (x, dt, A, B, C, D)))
    state, steps = torch.zeros(2, 2, 3, 4, 5, dtype=dtype)
    for t in range(sum(splits)):
        ssd_step_(steps, x[:, t], dt[:, t], A, B[:, t], C[:, t], D)
    first = 0
    for length in splits:
        some = slice(first, first + length)
        y = ssd_read_(state, x[:, some], dt[:, some], A, B[:, some], C[:, some], D, block=8)
        assert_close(y, expected[:, some], bound)
        first += length
    assert_close(state, steps.double(), bound)


@pytest.mark.parametrize("rate", [1e-6, 1e3])
def test_ssd_at_extreme_rates(rate):
    x, dt, A, B, C, D = scan_inputs(40, torch.float32)
    A = A * rate
    expected = oracle.ssd(*(t.double() for t in (x, dt, A, B, C, D)))
    state = torch.zeros(2, 3, 4, 5)
    ssd_read_(state, x[:, :11], dt[:, :11], A, B[:, :11], C[:, :11], D)
    y = ssd_read_(state, x[:, 11:], dt[:, 11:], A, B[:, 11:], C[:, 11:], D, block=8)
    assert_close(y, expected[:, 11:], 1e-4)


@pytest.mark.parametrize("length", [5, 64, 130])
def test_ssd_without_steps_leaves_the_state_exactly_as_it_is(length):
    x, dt, A, B, C, D = scan_inputs(length, torch.float32)
    state = torch.randn(2, 3, 4, 5)
    before = state.clone()
    ssd_read_(state, x, torch.zeros_like(dt), A, B, C, D)
    assert torch.equal(state, before)


def test_ssd_reads_with_the_scan_that_trains():
    """One implementation: what makes the scan faster makes reading faster."""
    assert ssd_prefix._forward is ssd_blocks._forward


@pytest.mark.parametrize(("dtype", "bound"), PRECISIONS)
@pytest.mark.parametrize("rotary_dim", [0, 2, 6])
def test_rope_from_a_position_of_each_rows_own(dtype, bound, rotary_dim):
    x = torch.randn(3, 40, 2, 6).to(dtype)
    expected = oracle.rope(x.double(), rotary_dim, 100.0)
    first = torch.tensor([0, 21, 7])
    place = first[:, None] + torch.arange(9)
    rows = torch.arange(3)[:, None]
    found = apply_rope_from(x[rows, place], first, rotary_dim, 100.0)
    assert_close(found, expected[rows, place], bound)
    with pytest.raises(ValueError, match="rotary_dim"):
        apply_rope_from(x, first, 5)


@pytest.mark.parametrize(("dtype", "bound"), PRECISIONS)
@pytest.mark.parametrize("window", [-1, 0, 4, 11, 300])
@pytest.mark.parametrize("queries", [3, 256])
def test_attention(monkeypatch, dtype, bound, window, queries):
    monkeypatch.setattr("genomenet.ops.attention_prefix.QUERIES", queries)
    q, k, v = (torch.randn(3, 23, 2, 4).to(dtype) for _ in range(3))
    missing = torch.tensor([0, 5, 9])
    past = 9
    reach = past if window < 0 else min(past, window)
    keys, values = (t[:, past - reach :].transpose(1, 2) for t in (k, v))
    lost = (missing - (past - reach)).clamp(min=0)
    found = attend_behind(q[:, past:].transpose(1, 2), keys, values, lost, window)
    for row in range(3):
        begin = int(missing[row])
        alone = [t[row : row + 1, begin:].double() for t in (q, k, v)]
        expected = oracle.attention(*alone, window)[0, past - begin :]
        assert_close(found[row].transpose(0, 1), expected, bound)
