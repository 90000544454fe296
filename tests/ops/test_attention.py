"""Causal and windowed attention, and rotary embedding, against loops."""

import pytest
import torch
from torch.nn import functional as F

from genomenet.ops import apply_rope, attention, causal_attention
from genomenet.ops.rope import apply_rope_at
from tests.oracles import ops as oracle
from tests.oracles.compare import assert_matches

LENGTHS = [1, 2, 63, 64, 65, 200]


def make(length, batch=2, heads=2, width=4):
    return [torch.randn(batch, length, heads, width, dtype=torch.float64) for _ in range(3)]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("window", [-1, 0, 1, 7, 64, 1023])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_matches_the_loop(length, window, dtype, bound):
    assert_matches(
        lambda q, k, v: causal_attention(q, k, v, window),
        lambda q, k, v: oracle.attention(q, k, v, window),
        make(length),
        dtype,
        bound,
    )


@pytest.mark.parametrize("block", [1, 3, 20, 93])
def test_query_blocks_do_not_matter(monkeypatch, block):
    monkeypatch.setattr(attention, "query_block", lambda window, rest: min(block, rest))
    assert_matches(
        lambda q, k, v: causal_attention(q, k, v, 6),
        lambda q, k, v: oracle.attention(q, k, v, 6),
        make(100),
        torch.float64,
        1e-10,
    )


def test_no_mask_of_length_squared(monkeypatch):
    masks = []
    plain = F.scaled_dot_product_attention

    def spy(q, k, v, attn_mask=None, is_causal=False):
        masks.append(0 if attn_mask is None else attn_mask.numel())
        return plain(q, k, v, attn_mask=attn_mask, is_causal=is_causal)

    monkeypatch.setattr(F, "scaled_dot_product_attention", spy)
    causal_attention(*make(2000, batch=1, heads=1), 63)
    assert 0 < max(masks) <= 64 * 127


@pytest.mark.parametrize("window", [-1, 5, 70])
def test_strictly_causal_within_the_window_and_rows_independent(window):
    q, k, v = make(150)
    y = causal_attention(q, k, v, window)
    for t in (0, 64, 71, 149):
        others = [x.clone() for x in (q, k, v)]
        for x in others:
            x[1, t] = 5.0
        other = causal_attention(*others, window)
        assert torch.equal(other[0], y[0])
        assert torch.equal(other[1, :t], y[1, :t])
        assert not torch.equal(other[1, t], y[1, t])
        if 0 <= window < 149 - t:
            assert torch.equal(other[1, t + window + 1 :], y[1, t + window + 1 :])
            assert not torch.equal(other[1, t + window], y[1, t + window])


def test_strided_inputs_and_gradcheck():
    qkv = torch.randn(2, 30, 3, 2, 4, dtype=torch.float64)
    q, k, v = qkv.unbind(2)
    plain = causal_attention(*(t.contiguous() for t in (q, k, v)), 5)
    torch.testing.assert_close(causal_attention(q, k, v, 5), plain)
    tiny = [t.requires_grad_() for t in make(9, batch=1, heads=1, width=2)]
    assert torch.autograd.gradcheck(lambda q, k, v: causal_attention(q, k, v, 3), tiny)


def test_arguments_are_checked():
    q, k, v = make(4)
    with pytest.raises(ValueError, match="one shape"):
        causal_attention(q, k[:, :3], v)
    with pytest.raises(ValueError, match="window"):
        causal_attention(q, k, v, -2)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("rotary_dim", [0, 2, 4, 6])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_rope_matches_the_loop(length, rotary_dim, dtype, bound):
    assert_matches(
        lambda x: apply_rope(x, rotary_dim, 100.0),
        lambda x: oracle.rope(x, rotary_dim, 100.0),
        [torch.randn(2, length, 2, 6, dtype=torch.float64)],
        dtype,
        bound,
    )


def test_rope_half_precision_angles_are_not_rounded():
    x = torch.ones(1, 1000, 1, 4, dtype=torch.bfloat16)
    y = apply_rope(x, 4)
    assert y.dtype == torch.bfloat16
    # A position near 1000 in bfloat16 would be off by up to 4 radians.
    assert (y.double() - oracle.rope(x.double(), 4)).abs().max() < 2e-2


def test_rope_is_exact_far_from_the_start():
    """In float32 the angles themselves would be off by 4e-4 here."""
    x = torch.randn(1, 8192, 1, 8)
    exact = apply_rope(x.double(), 8, 500_000.0)
    last = oracle.rope_at(x[:, -1:].double(), 8191, 8, 500_000.0)
    torch.testing.assert_close(exact[:, -1:], last, rtol=0, atol=1e-10)
    found = apply_rope(x, 8, 500_000.0).double()
    torch.testing.assert_close(found, exact, rtol=0, atol=1e-6)
    at = apply_rope_at(x[:, -1], torch.tensor([8191]), 8, 500_000.0).double()
    torch.testing.assert_close(at, exact[:, -1], rtol=0, atol=1e-6)


def test_rope_tables_made_in_inference_mode_can_train():
    attention_base = 12345.0  # no other test has made this table
    with torch.inference_mode():
        apply_rope(torch.randn(1, 5, 1, 4), 4, attention_base)
    x = torch.randn(1, 5, 1, 4, requires_grad=True)
    apply_rope(x, 4, attention_base).sum().backward()
    assert x.grad is not None


def test_rope_depends_on_distance_only_and_checks_its_width():
    q, k = torch.randn(1, 1, 1, 4, dtype=torch.float64), torch.randn(1, 1, 1, 4).double()
    q, k = (apply_rope(t.expand(1, 20, 1, 4), 4) for t in (q, k))
    scores = (q[0, 5:, 0] * k[0, :15, 0]).sum(-1)
    torch.testing.assert_close(scores, scores[0].expand(15))
    for wrong in (3, -2, 6):
        with pytest.raises(ValueError, match="rotary_dim"):
            apply_rope(torch.zeros(1, 2, 1, 4), wrong)
    assert torch.autograd.gradcheck(
        lambda x: apply_rope(x, 2), torch.randn(1, 3, 1, 4).double().requires_grad_()
    )
