"""The compiled kernels beside torch's and beside float64: odd sizes, strides, threads."""

import pytest
import torch
from torch.nn import functional as F

from genomenet import ops
from genomenet.nn.attention import CausalAttention
from genomenet.nn.mamba2 import Mamba2
from genomenet.ops.attention_prefix import attend_behind
from genomenet.ops.native import library
from genomenet.ops.rope import rotated_qkv
from genomenet.ops.ssd import ssd_step_
from genomenet.ops.ssd_prefix import ssd_read_
from genomenet.ops.swiglu import swiglu
from tests.oracles import ops as oracle
from tests.oracles.compare import assert_matches, relative, values_and_gradients

BOUND = 1e-4


@pytest.fixture(params=["C++", "torch"], autouse=True)
def kernels(request, monkeypatch):
    """Both ways: where there is no compiler, the first is the second."""
    if request.param == "torch":
        monkeypatch.setattr(library, "library", lambda: None)
    return request.param


def scan_inputs(batch, length, heads, width, state):
    return [
        torch.randn(batch, length, heads, width),
        F.softplus(torch.randn(batch, length, heads) * 2 - 2),
        -torch.rand(heads) * 15 - 0.5,
        torch.randn(batch, length, state),
        torch.randn(batch, length, state),
        torch.randn(heads),
    ]


@pytest.mark.parametrize("block", [1, 7, 64, 100])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1, 1), (2, 65, 3, 17, 33), (1, 130, 2, 16, 5)])
def test_scan(shape, block):
    inputs = scan_inputs(*shape)
    assert_matches(
        lambda *t: ops.ssd_scan(*t, block=block), oracle.ssd, inputs, torch.float32, BOUND
    )


def test_scan_of_slices():
    # As the mixer has them: x, B and C are parts of one tensor, and the gradient is transposed.
    x, dt, A, B, C, D = scan_inputs(2, 70, 2, 8, 6)
    wide = torch.cat([x.flatten(2), B, C], -1)

    def scan(wide, dt, A, D):
        x, B, C = wide.split([16, 6, 6], -1)
        y = ops.ssd_scan(x.unflatten(-1, (2, 8)), dt, A, B, C, D)
        return y.transpose(1, 2)

    def slow(wide, dt, A, D):
        x, B, C = wide.split([16, 6, 6], -1)
        return oracle.ssd(x.unflatten(-1, (2, 8)), dt, A, B, C, D).transpose(1, 2)

    assert_matches(scan, slow, [wide, dt, A, D], torch.float32, BOUND)


@pytest.mark.parametrize("cut", [1, 40, 64])
def test_scan_behind_a_state(cut):
    x, dt, A, B, C, D = scan_inputs(2, 131, 3, 17, 5)
    exact = oracle.ssd(*(t.double() for t in (x, dt, A, B, C, D)))
    state = torch.zeros(2, 3, 17, 5)
    parts = [
        ssd_read_(state, x[:, some], dt[:, some], A, B[:, some], C[:, some], D)
        for some in (slice(0, cut), slice(cut, None))
    ]
    assert relative(torch.cat(parts, 1), exact) < BOUND
    # Positions one by one, in float64 and in two rows of four that lie in another order.
    kept = torch.zeros(2, 3, 17, 5, dtype=torch.float64)
    among = torch.zeros(4, 3, 17, 5)
    rows = torch.tensor([1, 3])
    for t in range(131):
        args = (x[:, t], dt[:, t], A, B[:, t], C[:, t], D)
        ssd_step_(kept, *(a.double() for a in args))
        y = ssd_step_(among, *args, rows)
        assert relative(y, exact[:, t]) < BOUND
    assert relative(state, kept) < BOUND
    assert relative(among[rows], kept) < BOUND
    assert not among[[0, 2]].any()


@pytest.mark.parametrize("taps", [2, 3, 4])
@pytest.mark.parametrize("length", [1, 3, 128, 131])
@pytest.mark.parametrize("channels", [1, 15, 16, 37])
def test_convolution(taps, length, channels):
    wide = torch.randn(2, length, channels + 9)
    weight, bias = torch.randn(channels, taps), torch.randn(channels)

    def part(op):
        return lambda wide, weight, bias: op(wide[..., 5 : 5 + channels], weight, bias)

    fast, slow = part(ops.causal_conv_silu), part(oracle.conv_silu)
    assert_matches(fast, slow, [wide, weight, bias], torch.float32, BOUND)


@pytest.mark.parametrize("width", [1, 15, 16, 50])
@pytest.mark.parametrize("rows", [1, 64, 65])
def test_norms(width, rows):
    y, weight = torch.randn(2, rows, width), torch.randn(width)
    assert_matches(ops.rms_norm, oracle.rms_norm, [y, weight], torch.float32, BOUND)
    wide = torch.randn(2, rows, width + 3)

    def part(op):
        return lambda y, wide, weight: op(y, wide[..., 2 : 2 + width], weight)

    fast, slow = part(ops.gated_rms_norm), part(oracle.gated_rms_norm)
    assert_matches(fast, slow, [y, wide, weight], torch.float32, BOUND)
    # A gate whose rows are not evenly spaced.
    turned = torch.randn(rows, 2, width).transpose(0, 1)
    assert_matches(
        ops.gated_rms_norm,
        oracle.gated_rms_norm,
        [y, turned, weight],
        torch.float32,
        BOUND,
    )


@pytest.mark.parametrize("width", [1, 16, 37])
def test_swiglu(width):
    def slow(up_gate):
        up, gate = up_gate.chunk(2, -1)
        return up * gate / (1 + torch.exp(-gate))

    assert_matches(swiglu, slow, [torch.randn(3, 5, 2 * width)], torch.float32, BOUND)
    extreme = torch.tensor([[1.0, -200.0], [1.0, 200.0], [1.0, 0.0]])
    torch.testing.assert_close(swiglu(extreme), torch.tensor([[0.0], [200.0], [0.0]]))


@pytest.mark.parametrize(("width", "rotary"), [(2, 2), (8, 4), (40, 36), (64, 64)])
def test_rotation(width, rotary):
    def slow(qkv):
        q, k, v = qkv.unbind(2)
        return torch.stack([oracle.rope(q, rotary), oracle.rope(k, rotary), v], 2)

    def fast(qkv):
        return torch.stack(rotated_qkv(qkv, rotary), 2)

    assert_matches(fast, slow, [torch.randn(2, 9, 3, 2, width)], torch.float32, BOUND)


# Blocks of 64: less than one, a part of the last one, windows that end in and between blocks.
@pytest.mark.parametrize("window", [-1, 0, 63, 64, 70, 128])
@pytest.mark.parametrize(("length", "width"), [(1, 1), (64, 16), (65, 40), (257, 5)])
def test_attention(length, width, window):
    qkv = torch.randn(2, length, 3, 3, width) * 2

    def attention(op):
        return lambda qkv: op(*qkv.unbind(2), window)

    fast, slow = attention(ops.causal_attention), attention(oracle.attention)
    assert_matches(fast, slow, [qkv], torch.float32, BOUND)


# What is read before it ends within a block and at its end; rows lack some of it, all, or none.
@pytest.mark.parametrize("window", [-1, 0, 50, 64, 150])
@pytest.mark.parametrize(("past", "length"), [(1, 1), (64, 70), (100, 3), (130, 129)])
def test_attention_behind_a_prefix(past, length, window):
    q, k, v = torch.randn(3, 3, past + length, 2, 9).unbind(0)
    missing = torch.tensor([0, past // 2, past])
    reach = past if window < 0 else min(past, window)
    keys, values = (t[:, past - reach :].transpose(1, 2) for t in (k, v))
    lost = (missing - (past - reach)).clamp(min=0)
    with torch.no_grad():
        found = attend_behind(q[:, past:].transpose(1, 2), keys, values, lost, window)
    for row in range(3):
        begin = int(missing[row])
        alone = [t[row : row + 1, begin:].double() for t in (q, k, v)]
        exact = oracle.attention(*alone, window)[0, past - begin :]
        assert relative(found[row].transpose(0, 1), exact) < BOUND


@pytest.mark.parametrize("width", [1, 16, 37, 64])
@pytest.mark.parametrize("window", [-1, 40])
def test_attention_in_half_precision(window, width):
    q, k, v = torch.randn(3, 2, 330, 2, width).bfloat16().unbind(0)
    exact = oracle.attention(*(t.double() for t in (q, k, v)), window)
    leaves = [t.clone().requires_grad_() for t in (q, k, v)]
    y = ops.causal_attention(*leaves, window)
    assert y.dtype == torch.bfloat16
    assert relative(y, exact) < 1e-2
    doubles = [t.double().requires_grad_() for t in (q, k, v)]
    dy = torch.randn(y.shape).bfloat16()
    y.backward(dy)
    oracle.attention(*doubles, window).backward(dy.double())
    for half, double in zip(leaves, doubles, strict=True):
        assert half.grad.dtype == torch.bfloat16
        assert relative(half.grad, double.grad) < 1e-2


def test_attention_in_half_precision_behind_a_prefix():
    q, k, v = torch.randn(3, 2, 300, 2, 24).bfloat16().unbind(0)
    missing, past = torch.tensor([0, 70]), 100
    with torch.no_grad():
        found = attend_behind(
            q[:, past:].transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), missing
        )
    assert found.dtype == torch.bfloat16
    for row, begin in enumerate(missing.tolist()):
        alone = [t[row : row + 1, begin:].double() for t in (q, k, v)]
        exact = oracle.attention(*alone)[0, past - begin :]
        assert relative(found[row].transpose(0, 1), exact) < 1e-2


def test_attention_to_scores_far_apart():
    """No exponential overflows, and what is far below the largest score counts for nothing."""
    q = torch.full((1, 70, 1, 1), 100.0)
    k = torch.arange(70.0).view(1, 70, 1, 1)
    v = torch.randn(1, 70, 1, 1)
    torch.testing.assert_close(ops.causal_attention(q, k, v), v)
    last = ops.causal_attention(q, k.flip(1), v)
    torch.testing.assert_close(last, v[:, :1].expand(v.shape))


@pytest.mark.parametrize("width", [1, 16, 37])
def test_swiglu_and_rotation_in_half_precision(width):
    """As exact as numbers of eight bits are: nothing in between is rounded."""
    up_gate = (torch.randn(3, 5, 2 * width) * 3).bfloat16().requires_grad_()
    double = up_gate.detach().double().requires_grad_()
    up, gate = double.chunk(2, -1)
    exact = up * gate / (1 + torch.exp(-gate))
    y = swiglu(up_gate)
    dy = torch.randn(y.shape).bfloat16()
    y.backward(dy)
    exact.backward(dy.double())
    assert relative(y, exact) < 1e-2
    assert relative(up_gate.grad, double.grad) < 1e-2
    qkv = torch.randn(2, 9, 3, 2, 2 * width + 1).bfloat16().requires_grad_()
    double = qkv.detach().double().requires_grad_()
    q, k, v = double.unbind(2)
    exact = torch.stack([oracle.rope(q, 2 * width), oracle.rope(k, 2 * width), v], 2)
    y = torch.stack(rotated_qkv(qkv, 2 * width), 2)
    dy = torch.randn(y.shape).bfloat16()
    y.backward(dy)
    exact.backward(dy.double())
    assert y.dtype == qkv.grad.dtype == torch.bfloat16
    assert relative(y, exact) < 2e-2
    assert relative(qkv.grad, double.grad) < 2e-2


def test_rounding_to_bfloat16_is_torchs(kernels):
    """Ties go to even numbers; infinities and what is not a number stay what they are."""
    bits = torch.randint(-(2**31), 2**31 - 1, (4096,), dtype=torch.int64).int()
    ties = (torch.arange(4096) << 16 | 0x8000).int()
    for value in (bits.view(torch.float32), ties.view(torch.float32)):
        value = value.bfloat16().float()  # bfloat16 goes in; silu of a large gate changes nothing
        up_gate = torch.stack([value * 0.5, torch.full_like(value, 258.0)], -1).bfloat16()
        wanted = (up_gate[:, :1].float() * 258.0).bfloat16()
        assert torch.equal(swiglu(up_gate).nan_to_num(7), wanted.nan_to_num(7))


@pytest.mark.parametrize("taps", [4, 5])
def test_a_whole_mixer(taps):
    torch.manual_seed(1)
    mixer = Mamba2(d_model=12, d_inner=24, head_dim=8, d_state=5, d_conv=taps)
    exact = Mamba2(d_model=12, d_inner=24, head_dim=8, d_state=5, d_conv=taps).double()
    exact.load_state_dict(mixer.state_dict())
    compare_modules(mixer, exact, torch.randn(2, 90, 12))


def test_a_whole_attention():
    torch.manual_seed(1)
    layer = CausalAttention(d_model=24, head_dim=12, rotary_dim=6, window=-1)
    exact = CausalAttention(d_model=24, head_dim=12, rotary_dim=6, window=-1).double()
    exact.load_state_dict(layer.state_dict())
    compare_modules(layer, exact, torch.randn(2, 33, 24))


def compare_modules(module, exact, x):
    results = []
    for one, dtype in ((module, torch.float32), (exact, torch.float64)):
        leaf = x.detach().clone().to(dtype).requires_grad_()
        y = one(leaf)
        (y * torch.arange(y.numel(), dtype=dtype).view_as(y).cos()).sum().backward()
        results.append({"y": y, "x": leaf.grad, **{n: p.grad for n, p in one.named_parameters()}})
    errors = {name: relative(results[0][name], results[1][name]) for name in results[0]}
    assert max(errors.values()) < BOUND, errors


def test_a_mixer_under_autocast():
    torch.manual_seed(1)
    mixer = Mamba2(d_model=16, d_inner=32, head_dim=8, d_state=8, d_conv=4)
    x = torch.randn(2, 40, 16)
    with torch.autocast("cpu", torch.bfloat16):
        half = mixer(x)
    assert half.dtype == torch.bfloat16
    assert relative(half, mixer(x)) < 3e-2


def test_threads_change_nothing():
    inputs = scan_inputs(3, 200, 2, 16, 16)
    conv = [torch.randn(3, 300, 20), torch.randn(20, 4), torch.randn(20)]
    norm = [torch.randn(700, 20), torch.randn(20)]
    heads = list(torch.randn(3, 2, 200, 2, 8))
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        results = []
        for op, given in (
            (ops.ssd_scan, inputs), (ops.causal_conv_silu, conv), (ops.rms_norm, norm),
            (ops.causal_attention, heads),
        ):  # fmt: skip
            dy = torch.randn(given[0].shape)
            results += values_and_gradients(op, given, torch.float32, dy)
        found.append(results)
    if library.library() is not None:
        for other in found[1:]:
            assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))
