"""The causal reading of a BPE vocabulary."""

import pytest
import torch

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.bpe import BpeChunker
from genomenet.genome.alphabet import encode
from tests.chunking.test_all_chunkers import WORDS, make_positions, x_of
from tests.oracles import chunkers as oracle


def chunks(words, letters):
    """The bases, cut where chunks begin."""
    tokens = torch.from_numpy(encode("N" + letters).astype("int64"))[None]
    where = Positions(torch.ones_like(tokens, dtype=torch.bool), tokens)
    p = BpeChunker(words)(torch.zeros(1, tokens.shape[1], 1), where)[0, 1:]
    cut = "".join(("|" if begins else "") + base for begins, base in zip(p, letters, strict=True))
    return cut.strip("|").split("|")


def test_a_chunk_grows_while_it_begins_some_word():
    assert chunks(["ACG", "TT"], "ACGTTTTACA") == ["ACG", "TT", "TT", "AC", "A"]
    assert chunks([], "ACNNNGT") == ["A", "C", "NNN", "G", "T"]


def test_it_is_not_byte_pair_encoding_which_looks_ahead():
    """AC|G when T follows, A|CG when not: BPE would need the next base for the first boundary."""
    assert chunks(["CG", "AC"], "ACG") == ["AC", "G"]


@pytest.mark.parametrize("seed", range(3))
def test_chunks_are_the_oracles(seed):
    positions = make_positions("bpe", seed=seed)
    p = BpeChunker(WORDS)(x_of(positions), positions)
    words = [*WORDS, *"ACGT"]
    for row, tokens in enumerate(positions.tokens_BL.tolist()):
        assert (p[row] > 0.5).tolist() == oracle.bpe_begins(tokens, words)
