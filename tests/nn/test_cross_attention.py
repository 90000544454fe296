"""Pooling and reading one position at a time, and what a published model doubles."""

import pytest
import torch

from genomenet.nn.cross_attention import ChunkPooling, ChunkReading

WIDTH, HEAD, LENGTH = 12, 4, 50


def some_chunks() -> torch.Tensor:
    """Boundaries of two rows: one of chunks of one, three and many, one of a single chunk."""
    mask = torch.zeros(2, LENGTH, dtype=torch.bool)
    mask[:, 0] = True
    mask[0, [1, 4, 5, 40]] = True
    return mask


@pytest.mark.parametrize("slots", [1, 2])
def test_open_chunks_close_to_what_whole_rows_are_pooled_to(slots):
    torch.manual_seed(0)
    module = ChunkPooling(WIDTH, slots, HEAD).double()
    x, mask = torch.randn(2, LENGTH, WIDTH, dtype=torch.float64), some_chunks()
    expected = module(x, mask.cumsum(1) - mask.long(), 6)
    state, closed = module.new_state(2, torch.device("cpu")), [0, 0]
    for t in range(LENGTH):
        module.step(x[:, t], state, torch.arange(2))
        rows = mask[:, t].nonzero()[:, 0]
        if len(rows):
            for row, h in zip(rows.tolist(), module.close(state, rows), strict=True):
                torch.testing.assert_close(h, expected[row, closed[row]])
                closed[row] += 1
    assert closed == [5, 1]
    assert state.count_B.tolist() == [9, 49]


@pytest.mark.parametrize("slots", [1, 2, 4])
@pytest.mark.parametrize("sure", [False, True])
def test_reading_in_steps_equals_reading_whole_rows(slots, sure):
    torch.manual_seed(0)
    module = ChunkReading(WIDTH, slots, HEAD).double()
    x, mask = torch.randn(2, LENGTH, WIDTH, dtype=torch.float64), some_chunks()
    chunks, chunk = torch.randn(2, 5, slots, WIDTH, dtype=torch.float64), mask.cumsum(1) - 1
    confidence = torch.rand(2, LENGTH, dtype=torch.float64) if sure else None
    expected = module(x, chunks, chunk, confidence)
    memory = module.remember(chunks)
    for t in range(LENGTH):
        now = memory[torch.arange(2), chunk[:, t]]
        y = module.step(x[:, t], now, None if confidence is None else confidence[:, t])
        torch.testing.assert_close(y, expected[:, t])


def test_published_residuals_are_doubled():
    torch.manual_seed(0)
    x, mask = torch.randn(2, LENGTH, WIDTH), some_chunks()
    single, double = ChunkPooling(WIDTH, 2, HEAD), ChunkPooling(WIDTH, 2, HEAD, doubled=True)
    double.load_state_dict(single.state_dict())
    pooled = mask.cumsum(1) - mask.long()
    with torch.no_grad():
        single.out_proj.weight.zero_()
        double.out_proj.weight.zero_()
    torch.testing.assert_close(double(x, pooled, 6), 2 * single(x, pooled, 6))

    once, twice = ChunkReading(WIDTH, 2, HEAD), ChunkReading(WIDTH, 2, HEAD, doubled=True)
    twice.load_state_dict(once.state_dict())
    chunks = torch.randn(2, 5, 2, WIDTH)
    difference = twice(x, chunks, mask.cumsum(1) - 1) - once(x, chunks, mask.cumsum(1) - 1)
    torch.testing.assert_close(difference, x)
