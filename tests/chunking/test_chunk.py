"""Chunks and routing against loops."""

import pytest
import torch

from genomenet.chunking.boundaries import Boundaries, Positions
from genomenet.chunking.chunk import find_chunks
from genomenet.chunking.dechunk import StraightThroughOne, place, smooth, spread
from genomenet.chunking.fixed import FixedGrid
from genomenet.chunking.guards import Guards, apply_guards
from genomenet.chunking.learned import CosineRouter
from genomenet.chunking.ratio_loss import ratio_loss


def random_routing(rows=5, length=23, seed=0) -> Boundaries:
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, length + 1, (rows, 1), generator=generator)
    valid = torch.arange(length) < lengths
    p = torch.rand(rows, length, generator=generator, dtype=torch.float64)
    p[:, 0] = 1.0
    return Boundaries(p, (p > 0.5) & valid, valid)


def test_chunks_are_the_boundaries_in_order():
    routing = random_routing()
    chunks = find_chunks(routing.mask)
    for row, boundary in enumerate(routing.mask):
        expected = [t for t, b in enumerate(boundary.tolist()) if b]
        assert chunks.start_BS[row][chunks.valid_BS[row]].tolist() == expected
    assert chunks.valid_BS.shape[1] == 23, "no more than there are positions"


def test_lengths_are_rounded_up():
    boundary = torch.zeros(2, 300, dtype=torch.bool)
    boundary[:, 0] = True
    boundary[1, :70] = True
    chunks = find_chunks(boundary)
    assert chunks.start_BS.shape == (2, 128)
    assert chunks.valid_BS.sum(1).tolist() == [1, 70]


def test_select_gathers_the_boundary_vectors():
    routing = random_routing()
    chunks = find_chunks(routing.mask)
    x = torch.randn(5, 23, 3)
    selected = chunks.select(x)
    for row in range(5):
        expected = x[row][routing.mask[row]]
        assert torch.equal(selected[row][chunks.valid_BS[row]], expected)


def test_dechunk_smooths_and_spreads_like_a_loop():
    routing = random_routing(seed=4)
    chunks = find_chunks(routing.mask)
    h = torch.randn(5, chunks.valid_BS.shape[1], 3, dtype=torch.float64)
    out = spread(smooth(h, chunks, routing), routing)
    unsmoothed = spread(h, routing, straight_through=False)
    placed = place(h, chunks, 23)
    for row in range(5):
        memory, chunk = torch.zeros(3, dtype=torch.float64), -1
        for t in range(int(routing.valid[row].sum())):
            if routing.mask[row, t]:
                chunk += 1
                gate = routing.probability[row, t].clamp(1e-4, 1 - 1e-4)
                memory = gate * h[row, chunk] + (1 - gate) * memory
            torch.testing.assert_close(out[row, t], memory)
            p = routing.probability[row, t]
            confidence = p if routing.mask[row, t] else 1 - p
            torch.testing.assert_close(unsmoothed[row, t], confidence * h[row, chunk])
            here = h[row, chunk] if routing.mask[row, t] else torch.zeros(3).double()
            assert torch.equal(placed[row, t], here)


def test_confidence_is_one_forwards_and_the_identity_backwards():
    c = torch.rand(4, requires_grad=True)
    y = StraightThroughOne.apply(c)
    assert torch.equal(y, torch.ones(4))
    y.backward(torch.tensor([1.0, -2.0, 0.5, 3.0]))
    assert torch.equal(c.grad, torch.tensor([1.0, -2.0, 0.5, 3.0]))


@pytest.mark.parametrize("target", [1.5, 3.0, 6.0])
def test_ratio_loss_ignores_padding_and_is_one_at_the_target(target):
    routing = random_routing(seed=2)
    f = routing.mask[routing.valid].double().mean()
    g = routing.probability[routing.valid].mean()
    expected = 1 + (target * f - 1) * (target * g - 1) / (target - 1)
    torch.testing.assert_close(ratio_loss(routing, target), expected)
    noisy = Boundaries(
        torch.where(routing.valid, routing.probability, 0.123),
        routing.mask,
        routing.valid,
    )
    torch.testing.assert_close(ratio_loss(noisy, target), expected)


def decisions(chunker, x, valid=None) -> Boundaries:
    positions = Positions(torch.ones(x.shape[:2], dtype=torch.bool) if valid is None else valid)
    return apply_guards(chunker(x, positions), positions, Guards())


def test_router_starts_as_the_identity_and_always_opens_a_sequence():
    x = torch.randn(2, 9, 6)
    routing = decisions(CosineRouter(6), x)
    cosine = torch.cosine_similarity(x[:, :-1], x[:, 1:], dim=-1)
    torch.testing.assert_close(routing.probability[:, 1:], (1 - cosine) / 2)
    assert (routing.probability[:, 0] == 1).all()


def test_query_sits_on_the_previous_position():
    router = CosineRouter(2)
    with torch.no_grad():
        router.q_proj_layer.weight.copy_(torch.tensor([[0.0, 1.0], [-1.0, 0.0]]))
    x = torch.tensor([[[1.0, 0.0], [0.0, -1.0]]])
    # W q of the first position is (0, -1), which is the second position: no boundary. With
    # query and key swapped it would be (-1, 0) against (1, 0): p = 1.
    torch.testing.assert_close(decisions(router, x).probability[0, 1], torch.tensor(0.0))


def test_a_tie_is_no_boundary():
    routing = decisions(CosineRouter(2), torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]))
    assert routing.probability[0, 1] == 0.5
    assert routing.mask.tolist() == [[True, False]]


def test_fixed_grid():
    valid = torch.arange(8) < torch.tensor([[8], [4]])
    routing = decisions(FixedGrid(3), torch.randn(2, 8, 4), valid)
    assert routing.mask.long().tolist() == [
        [1, 0, 0, 1, 0, 0, 1, 0],
        [1, 0, 0, 1, 0, 0, 0, 0],
    ]
    assert routing.positions_per_chunk == 12 / 5
