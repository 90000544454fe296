"""Entropies of tables and models: values by oracles, resets, N."""

import numpy as np
import pytest
import torch

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.entropy import EntropyChunker
from genomenet.chunking.markov import MarkovChunker
from genomenet.chunking.rules import BoundaryRule
from tests.chunking.test_all_chunkers import Recurrent, make_positions, tables, x_of
from tests.oracles import chunkers as oracle

RULE = BoundaryRule("threshold", 0.9)


@pytest.mark.parametrize("reset", [0, 1, 6])
@pytest.mark.parametrize("order", [0, 1, 3])
def test_markov_entropies_are_the_oracles(order, reset):
    positions = make_positions("markov")
    chunker = MarkovChunker(RULE, tables(order), reset)
    values = chunker.values(positions)
    assert values.dtype == torch.float32
    for row, tokens in enumerate(positions.tokens_BL.tolist()):
        expected = [
            oracle.markov_entropy(tokens, t, tables(order), reset) for t in range(len(tokens))
        ]
        assert values[row].tolist() == expected


@pytest.mark.parametrize("reset", [0, 1, 7, 60, 100])
def test_model_entropies_are_those_of_segments_read_alone(reset):
    positions = make_positions("entropy")
    model = Recurrent(5)
    chunker = EntropyChunker(RULE, model, reset=reset)
    values = chunker.values(positions)
    assert values.dtype == torch.float32
    for row, tokens in enumerate(positions.tokens_BL.tolist()):
        for t in range(len(tokens)):
            begin = t - t % reset if reset else 0
            segment = torch.tensor([[4, *tokens[begin + 1 : t + 1]]])
            expected = oracle.entropy(model(segment).logits[0, -1, :4].tolist())
            if tokens[t] == 4 and t > begin:
                expected = 0.0
            assert values[row, t].item() == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize(
    "make",
    [lambda: MarkovChunker(RULE, tables(), 8), lambda: EntropyChunker(RULE, Recurrent(5), reset=8)],
)
def test_a_reset_forces_a_boundary(make):
    positions = make_positions("markov")
    p = make()(x_of(positions), positions)
    assert (p[:, ::8] == 1).all()


def test_the_model_moves_along_but_does_not_belong():
    model = Recurrent(5)
    chunker = EntropyChunker(RULE, model)
    assert not model.table.requires_grad
    assert list(chunker.modules()) == [chunker]
    chunker.to("meta")
    assert model.table.device.type == "meta"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_the_dtype_around_does_not_touch_values(dtype):
    positions = make_positions("entropy")
    for chunker in (EntropyChunker(RULE, Recurrent(5)), MarkovChunker(RULE, tables())):
        expected = chunker.values(positions)
        found = chunker.to(dtype).values(positions)
        assert found.dtype == torch.float32
        assert torch.equal(found, expected)


def test_autocast_does_not_touch_entropies():
    positions = make_positions("entropy")
    chunker = EntropyChunker(RULE, Recurrent(5))
    expected = chunker.values(positions)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(chunker.values(positions), expected)


def test_flat_tables_would_ask_for_nothing():
    flat = [np.full(4**k, np.log(4), dtype=np.float32) for k in range(3)]
    rule = BoundaryRule("threshold", float(np.float32(np.log(4))))
    positions = make_positions("markov")
    p = MarkovChunker(rule, flat)(x_of(positions), positions)
    assert (p[:, 1:] == 0).all()


def test_positions_without_tokens_are_refused():
    with pytest.raises(ValueError, match="only base resolution"):
        MarkovChunker(RULE, tables())(
            torch.zeros(1, 3, 1), Positions(torch.ones(1, 3, dtype=torch.bool))
        )
