"""Attention between positions and chunks against one chunk at a time in float64."""

import pytest
import torch

from genomenet.ops import segment_sums
from genomenet.ops.segments import segment_attention, segment_max, slot_attention, spread
from tests.oracles import segments as oracle
from tests.oracles.compare import assert_matches, values_and_gradients

LENGTH = 41
DTYPES = [(torch.float64, 1e-12), (torch.float32, 1e-5)]


def chunks_of(kind: str, length: int = LENGTH) -> tuple[torch.Tensor, int]:
    """Chunk of every position of three rows, and how many chunks there is room for."""
    ids = torch.zeros(3, length, dtype=torch.int64)
    if kind == "ones":
        ids[:] = torch.arange(length)
    elif kind == "long":  # one of a single position, one far longer than any window, one short
        ids[:, 1:] = 1
        ids[:, -2:] = 2
    elif kind == "ragged":  # rows of different counts, so that some chunks are empty padding
        for row, stride in enumerate((3, 7, 20)):
            ids[row] = torch.arange(length) // stride
    elif kind == "open":  # the last positions belong to no closed chunk, or to none at all
        ids[:] = torch.arange(length) // 4
        ids[0, 30:], ids[1, 5:], ids[2, :] = -1, 99, -1
    return ids, 15 if kind == "open" else int(ids.max()) + 2


KINDS = ["ones", "long", "ragged", "open"]


def pooling_inputs(chunks: int, slots: int, length: int = LENGTH) -> list[torch.Tensor]:
    q = 3 * torch.randn(3, chunks, slots, 2, 4, dtype=torch.float64)
    return [q, *torch.randn(2, 3, length, 2, 4, dtype=torch.float64)]


def reading_inputs(chunks: int, slots: int, length: int = LENGTH) -> list[torch.Tensor]:
    q = 3 * torch.randn(3, length, 2, 4, dtype=torch.float64)
    return [q, *torch.randn(2, 3, chunks, slots, 2, 4, dtype=torch.float64)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dtype", "bound"), DTYPES)
def test_max_is_the_oracles(kind, dtype, bound):
    ids, chunks = chunks_of(kind)
    x = torch.randn(3, LENGTH, 5, dtype=torch.float64)
    assert_matches(
        lambda x: segment_max(x, ids, chunks),
        lambda x: oracle.segment_max(x, ids, chunks),
        [x],
        dtype,
        bound,
    )


@pytest.mark.parametrize("slots", [1, 2, 4])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dtype", "bound"), DTYPES)
def test_pooling_and_reading_are_the_oracles(kind, slots, dtype, bound):
    ids, chunks = chunks_of(kind)
    for function, slow, inputs in (
        (segment_attention, oracle.segment_attention, pooling_inputs(chunks, slots)),
        (slot_attention, oracle.slot_attention, reading_inputs(chunks, slots)),
    ):
        assert_matches(
            lambda *tensors, f=function: f(*tensors, ids),
            lambda *tensors, f=slow: f(*tensors, ids),
            inputs,
            dtype,
            bound,
        )


@pytest.mark.parametrize("kind", KINDS)
def test_spread_is_the_oracles_and_reads_like_one_slot(kind):
    ids, chunks = chunks_of(kind)
    h = torch.randn(3, chunks, 6, dtype=torch.float64)
    assert_matches(
        lambda h: spread(h, ids), lambda h: oracle.spread(h, ids), [h], torch.float64, 1e-14
    )
    slot = h.view(3, chunks, 1, 2, 3)
    query = torch.randn(3, LENGTH, 2, 3, dtype=torch.float64)
    torch.testing.assert_close(
        slot_attention(query, slot, slot, ids).flatten(2), spread(h, ids), rtol=0, atol=0
    )


def test_large_scores_do_not_overflow():
    ids, chunks = chunks_of("ragged")
    q, k, v = pooling_inputs(chunks, 2)
    y = segment_attention(1e4 * q.float(), 1e3 * k.float(), v.float(), ids)
    assert torch.isfinite(y).all()
    torch.testing.assert_close(
        y.double(), oracle.segment_attention(1e4 * q, 1e3 * k, v, ids), rtol=1e-3, atol=1e-3
    )


def test_equal_largest_values_share_the_gradient():
    x = torch.ones(1, 4, 1, requires_grad=True)
    segment_max(x, torch.tensor([[0, 1, 1, -1]]), 2).sum().backward()
    assert x.grad.flatten().tolist() == [1, 0.5, 0.5, 0]


@pytest.mark.parametrize("function", [segment_attention, slot_attention])
def test_rows_alone_and_more_padding_change_no_bit(function):
    ids, chunks = chunks_of("ragged")
    inputs = (pooling_inputs if function is segment_attention else reading_inputs)(chunks, 2)
    inputs = [t.float() for t in inputs]
    dy = torch.randn_like(function(*inputs, ids))
    whole = values_and_gradients(lambda *t: function(*t, ids), inputs, torch.float32, dy)
    for row in range(3):
        alone = [t[row : row + 1] for t in inputs]
        one = slice(row, row + 1)
        single = values_and_gradients(
            lambda *t, one=one: function(*t, ids[one]), alone, torch.float32, dy[one]
        )
        for a, b in zip(whole, single, strict=True):
            assert torch.equal(a[one], b)

    # Positions without a chunk and chunks without positions are appended.
    padded = [torch.cat([t, torch.randn_like(t[:, :5])], 1) for t in inputs]
    more = torch.cat([ids, torch.full((3, 5), -1)], 1)
    y = function(*padded, more)
    assert torch.equal(y[:, : whole[0].shape[1]], whole[0])
    assert not y[:, whole[0].shape[1] :].any()


def test_a_position_outside_a_chunk_changes_nothing_in_it():
    ids, chunks = chunks_of("ragged")
    q, k, v = pooling_inputs(chunks, 2)
    before = segment_attention(q, k, v, ids)
    for t in range(LENGTH):
        other = v.clone()
        other[:, t] += 1
        changed = (segment_attention(q, k, other, ids) != before).any(-1).any(-1).any(-1)
        expected = torch.zeros_like(changed).scatter(1, ids[:, t : t + 1], True)
        assert torch.equal(changed, expected)


def test_float32_sums_for_half_precision_and_under_autocast():
    ids, chunks = chunks_of("ragged")
    for function, inputs in (
        (segment_attention, pooling_inputs(chunks, 2)),
        (slot_attention, reading_inputs(chunks, 2)),
    ):
        half = [t.bfloat16() for t in inputs]
        y = function(*half, ids)
        assert y.dtype == torch.bfloat16
        assert torch.equal(y, function(*(t.float() for t in half), ids).bfloat16())
        single = [t.float() for t in inputs]
        dy = torch.randn_like(function(*single, ids))
        plain = values_and_gradients(lambda *t, f=function: f(*t, ids), single, torch.float32, dy)
        with torch.autocast("cpu", torch.bfloat16):
            cast = values_and_gradients(
                lambda *t, f=function: f(*t, ids), single, torch.float32, dy
            )
        assert all(torch.equal(a, b) for a, b in zip(plain, cast, strict=True))


def test_strided_inputs_are_left_alone():
    ids, chunks = chunks_of("ragged")
    q, _, _ = pooling_inputs(chunks, 2)
    kv = torch.randn(3, LENGTH, 2, 2, 4, dtype=torch.float64)
    before = kv.clone()
    k, v = kv.unbind(2)
    y = segment_attention(q, k, v, ids)
    assert torch.equal(y, segment_attention(q, k.contiguous(), v.contiguous(), ids))
    assert torch.equal(kv, before)


def test_blocks_of_positions_change_no_bit(monkeypatch):
    ids, chunks = chunks_of("ragged")
    for function, inputs in (
        (segment_attention, pooling_inputs(chunks, 2)),
        (slot_attention, reading_inputs(chunks, 2)),
    ):
        inputs = [t.float() for t in inputs]
        dy = torch.randn_like(function(*inputs, ids))
        results = []
        for numbers in (2**17, 7 * 16):
            monkeypatch.setattr(segment_sums, "NUMBERS", numbers)
            results.append(
                values_and_gradients(lambda *t, f=function: f(*t, ids), inputs, torch.float32, dy)
            )
        assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_gradcheck():
    ids = torch.tensor([[0, 1, 1, 2, -1], [0, 0, 0, 1, 1]])
    q, kv = torch.randn(2, 3, 2, 1, 2), torch.randn(2, 2, 5, 1, 2)
    leaves = [t.double().requires_grad_() for t in (q, *kv)]
    assert torch.autograd.gradcheck(lambda *t: segment_attention(*t, ids), leaves)
    q, kv = torch.randn(2, 5, 1, 2), torch.randn(2, 2, 3, 2, 1, 2)
    leaves = [t.double().requires_grad_() for t in (q, *kv)]
    assert torch.autograd.gradcheck(lambda *t: slot_attention(*t, ids), leaves)


def test_shapes_are_checked():
    ids = torch.zeros(2, 3, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"need \(B, L, D\), \(B, L\)"):
        segment_max(torch.zeros(2, 4, 1), ids, 1)
    slots, positions = torch.zeros(2, 1, 2, 1, 4), torch.zeros(2, 3, 2, 4)
    with pytest.raises(ValueError, match=r"\(B, S, K, H, P\), \(B, L, H, P\) twice"):
        segment_attention(slots, positions, positions, ids)
    with pytest.raises(ValueError, match=r"\(B, L, H, P\), \(B, S, K, H, P\) twice"):
        slot_attention(positions, slots, slots, ids)
