"""Layers that read many positions behind a state, against single steps; rows of states."""

import pytest
import torch

from genomenet.nn import kv_cache
from genomenet.nn.cross_attention import ChunkPooling
from genomenet.nn.ngrams import NGramEmbedding
from genomenet.nn.rows import copy_rows, latest, restart_rows
from tests.nn.test_step import LAYERS, PRECISIONS

COUNTS = ([5, 0, 1], [1, 7, 0], [0, 0, 0], [17, 2, 16], [3, 3, 3])


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(("dtype", "bound"), PRECISIONS)
@torch.no_grad()
def test_reading_equals_steps(name, dtype, bound, monkeypatch):
    """Ragged rows, with single steps between: both forms leave one state."""
    monkeypatch.setattr(kv_cache, "GROWTH", 4)
    torch.manual_seed(2)
    layer = LAYERS[name]().to(dtype)
    x_BLD = torch.randn(3, 40, 16, dtype=dtype)
    expected = layer(x_BLD)
    state = layer.new_state(3, x_BLD.device)
    done = torch.zeros(3, dtype=torch.int64)
    for counts in COUNTS:
        count = torch.tensor(counts)
        place = torch.arange(max(1, int(count.max())))
        valid = place < count[:, None]
        index = done[:, None] + place
        segment = x_BLD[torch.arange(3)[:, None], index]
        found = layer.read(segment, valid, state)
        for row in range(3):
            wanted = expected[row, done[row] : done[row] + counts[row]]
            torch.testing.assert_close(found[row, : counts[row]], wanted, rtol=bound, atol=bound)
        done += count
        rows = torch.tensor([0, 2])
        y = layer.step(x_BLD[rows, done[rows]], state, rows)
        torch.testing.assert_close(y, expected[rows, done[rows]], rtol=bound, atol=bound)
        done[rows] += 1


@torch.no_grad()
def test_a_window_keeps_no_more_keys_than_it_sees():
    layer = LAYERS["window of 5"]()
    state = layer.new_state(2, torch.device("cpu"))
    layer.read(torch.randn(2, 30, 16), torch.ones(2, 30, dtype=torch.bool), state)
    assert state._keys.shape == (2, 2, 6, 8)


@pytest.mark.parametrize("rows", [0, 17])
@torch.no_grad()
def test_ngrams(rows):
    layer = NGramEmbedding(6, (2, 4), rows=rows, functions=2, offset=1)
    tokens = torch.randint(0, 5, (2, 20))
    state = layer.new_state(2, torch.device("cpu"))
    expected, done = layer(tokens), 0
    for length in (1, 2, 7, 10):
        valid = torch.ones(2, length, dtype=torch.bool)
        found = layer.read(tokens[:, done : done + length], valid, state)
        torch.testing.assert_close(found, expected[:, done : done + length])
        done += length


@torch.no_grad()
def test_pooling_holds_what_no_boundary_closed():
    torch.manual_seed(1)
    layer = ChunkPooling(8, 2, 4).double()
    x = torch.randn(2, 40, 8, dtype=torch.float64)
    mask = torch.rand(2, 40) < 0.2
    mask[1, 3:37] = False  # a chunk longer than the room of a new state
    mask[:, 0] = True
    steps, reads = layer.new_state(2, x.device), layer.new_state(2, x.device)
    closed = [[], []]
    for t in range(40):
        layer.step(x[:, t], steps, torch.arange(2))
        for row in mask[:, t].nonzero()[:, 0]:
            closed[row].append(layer.close(steps, row[None])[0])
    found, valid = [[], []], torch.ones(2, 10, dtype=torch.bool)
    for first in range(0, 40, 10):
        here = mask[:, first : first + 10]
        h = layer.read(x[:, first : first + 10], here, valid, 10, reads)
        for row in range(2):
            found[row] += list(h[row, : int(here[row].sum())])
    for row in range(2):
        torch.testing.assert_close(torch.stack(found[row]), torch.stack(closed[row]))
        count = int(steps.count_B[row])
        assert int(reads.count_B[row]) == count
        assert torch.equal(reads.x_BLD[row, :count], steps.x_BLD[row, :count])


def test_latest_is_what_precedes_the_end_of_each_row():
    joined = torch.arange(14).view(2, 7)
    assert latest(joined, torch.tensor([0, 4]), 3).tolist() == [[0, 1, 2], [11, 12, 13]]
    assert latest(joined.unsqueeze(-1), torch.tensor([1, 2]), 0).shape == (2, 0, 1)


@torch.no_grad()
def test_copies_share_no_memory_and_restarts_are_empty():
    layer = LAYERS["stack"]()
    x, valid = torch.randn(2, 6, 16), torch.ones(2, 6, dtype=torch.bool)
    state = layer.new_state(2, x.device)
    layer.read(x, valid, state)
    copies = copy_rows(state, torch.tensor([1, 1, 0]))
    expected = layer.read(x, valid, copy_rows(state, torch.arange(2)))
    restart_rows(copies, layer.new_state(1, x.device), torch.tensor([0, 2]))
    three = x[[1, 1, 0]]
    found = layer.read(three, torch.ones(3, 6, dtype=torch.bool), copies)
    torch.testing.assert_close(found[1], expected[1], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found[0], layer(x)[1], rtol=1e-5, atol=1e-5)
    # Neither touched the state that they came from.
    again = layer.read(x, valid, state)
    torch.testing.assert_close(again, expected, rtol=1e-5, atol=1e-5)
