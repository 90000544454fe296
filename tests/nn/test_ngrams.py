"""N-gram embeddings: numbers of k-mers, published hashes, sums of rows, and steps."""

import itertools

import pytest
import torch

from genomenet.nn.ngrams import PRIMES, NGramEmbedding, hash_ids, kmer_ids
from tests.oracles import blt as oracle


@pytest.mark.parametrize("length", [2, 3, 5])
def test_every_kmer_has_a_number_of_its_own(length):
    kmers = torch.tensor(list(itertools.product(range(4), repeat=length)))
    assert kmer_ids(kmers, length)[:, -1].tolist() == list(range(4**length))


@pytest.mark.parametrize("length", [2, 3, 8, 12])
def test_kmers_are_the_oracles(length):
    tokens = torch.randint(0, 7, (4, 60), generator=torch.Generator().manual_seed(1))
    tokens[1:] = tokens[1:].clamp(max=3)
    tokens[2, 30] = 4
    expected = [
        [oracle.kmer_number(row[: t + 1], length) for t in range(60)] for row in tokens.tolist()
    ]
    assert kmer_ids(tokens, length).tolist() == expected
    assert (kmer_ids(tokens[2:3], length) == 4**length).sum() == 2 * length - 1


@pytest.mark.parametrize("prime", PRIMES)
def test_hashes_are_the_oracles_wraps_and_all(prime):
    tokens = torch.randint(0, 260, (3, 40), generator=torch.Generator().manual_seed(2))
    for length, rows in ((3, 64), (8, 500_002), (13, 997)):
        expected = [
            [oracle.hash_of(row[: t + 1], length, prime, rows) for t in range(40)]
            for row in tokens.tolist()
        ]
        assert hash_ids(tokens, length, prime, rows).tolist() == expected


def test_hashes_as_published():
    """By hand: 5 + 6 p + 7 p^2 with the oldest token first, and negative sums from length 8."""
    prime = PRIMES[0]
    tokens = torch.tensor([[5, 6, 7]])
    assert hash_ids(tokens, 3, prime, 1000)[0, 2] == (5 + 6 * prime + 7 * prime**2) % 1000
    assert hash_ids(tokens, 3, prime, 1000)[0, 0] == 5 * prime**2 % 1000
    window = [71, 75, 88, 69, 71, 88, 88, 75]
    value = sum(token * prime**power for power, token in enumerate(window))
    wrapped = (value + 2**63) % 2**64 - 2**63
    assert value != wrapped
    ids = hash_ids(torch.tensor([window]), 8, prime, 500_002)
    assert ids[0, -1] == wrapped % 500_002
    assert ids.min() >= 0


CASES = {
    "exact": NGramEmbedding(6, [2, 4]),
    "hashed": NGramEmbedding(6, [3, 8], rows=50, functions=3),
    "hashed dna": NGramEmbedding(6, [2, 5], rows=50, offset=1),
}


@pytest.mark.parametrize("name", CASES)
def test_step_equals_forward_for_rows_at_different_positions(name):
    module = CASES[name].double()
    tokens = torch.randint(0, 6, (3, 30), generator=torch.Generator().manual_seed(3))
    expected = module(tokens)
    assert module.ids(tokens).shape[-1] == len(module.starts)
    assert module.ids(tokens).max() < len(module.weight)
    state, done = module.new_state(3, torch.device("cpu")), [0, 0, 0]
    for turn in range(60):
        rows = [row for row in range(3) if done[row] < 30 and (turn + row) % (row + 1) == 0]
        if not rows:
            continue
        token = torch.tensor([tokens[row, done[row]].item() for row in rows])
        y = module.step(token, state, torch.tensor(rows))
        for row, value in zip(rows, y, strict=True):
            torch.testing.assert_close(value, expected[row, done[row]])
            done[row] += 1
    assert done[0] == 30


@pytest.mark.parametrize("name", CASES)
def test_a_later_token_changes_nothing(name):
    module = CASES[name].double()
    tokens = torch.randint(0, 4, (1, 30), generator=torch.Generator().manual_seed(3))
    before = module(tokens)
    for t in range(30):
        other = tokens.clone()
        other[0, t] = (other[0, t] + 1) % 4
        after = module(other)
        assert torch.equal(after[:, :t], before[:, :t])
        # The first k-mer is not known before its last base.
        assert (name == "exact" and t == 0) or not torch.equal(after[:, t], before[:, t])


def test_tables_of_one_weight_do_not_overlap():
    module = NGramEmbedding(2, [2, 3])
    assert module.starts == [0, 17]
    assert len(module.weight) == 17 + 65
    hashed = NGramEmbedding(2, [3, 4, 5], rows=10, functions=2)
    assert hashed.starts == [0, 10, 20, 30, 40, 50]
