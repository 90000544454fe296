"""Vocabularies: what is left of a longer one, and how long tokens are."""

import json

import pytest
import torch
from tokenizers import Tokenizer

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.guards import Guards
from genomenet.errors import UserError
from genomenet.genome.alphabet import decode
from genomenet.genome.intervals import Interval
from genomenet.genome.mock import MockGenome
from genomenet.training.bpe_words import (
    bases_per_token,
    bpe_boundaries,
    train_for_target,
    vocabulary,
)


@pytest.fixture(scope="module")
def genome():
    return MockGenome(60_000)


@pytest.fixture(scope="module")
def positions(genome):
    codes = torch.from_numpy(genome.read("mock1", 0, 12_800).astype("int64")).view(100, 128)
    tokens = torch.cat([torch.full((100, 1), 4), codes], dim=1)
    return Positions(torch.ones_like(tokens, dtype=torch.bool), tokens)


def test_as_many_words_as_the_target_needs(genome, positions):
    text = train_for_target(genome, [Interval("mock1", 0, 15_000)], positions, Guards(), 3.5)
    boundaries = bpe_boundaries(vocabulary(text), positions, Guards())
    assert boundaries.positions_per_chunk.item() == pytest.approx(3.5, rel=0.03)
    words, merges = json.loads(text)["model"]["vocab"], json.loads(text)["model"]["merges"]
    assert sorted(words.values()) == list(range(len(words)))
    assert {"".join(merge) for merge in merges} == set(words) - set("ACGT")


def test_tokens_are_counted_as_the_encoding_cuts_them(genome, positions):
    text = train_for_target(genome, [Interval("mock1", 0, 15_000)], positions, Guards(), 3.5)
    tokenizer = Tokenizer.from_str(text)
    tokens = sum(
        len(tokenizer.encode(decode(row.numpy())).ids) for row in positions.tokens_BL[:, 1:]
    )
    assert bases_per_token(text, positions) == pytest.approx(12_800 / tokens)


def test_a_target_out_of_reach_is_told(genome, positions):
    with pytest.raises(UserError, match="single bases are nearer"):
        train_for_target(genome, [Interval("mock1", 0, 15_000)], positions, Guards(), 1.01)
