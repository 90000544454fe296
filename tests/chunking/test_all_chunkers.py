"""What every chunker that isn't learned has to keep: causality, padding, batches, steps."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.bpe import BpeChunker
from genomenet.chunking.delimiters import DelimiterChunker
from genomenet.chunking.entropy import EntropyChunker
from genomenet.chunking.markov import MarkovChunker
from genomenet.chunking.random import RandomChunker
from genomenet.chunking.rules import BoundaryRule
from genomenet.chunking.score_track import ScoreTrackChunker
from genomenet.genome.alphabet import BYTES

ROWS, LENGTH = 3, 60


class Recurrent(nn.Module):
    """A tiny causal language model with the interface of the real one."""

    @dataclass
    class Output:
        logits: torch.Tensor

    def __init__(self, vocabulary, width=6):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.table = nn.Parameter(torch.randn(vocabulary, width, generator=generator))
        self.head = nn.Parameter(3 * torch.randn(width, vocabulary, generator=generator))

    def forward(self, tokens_BL):
        state = self.new_state(len(tokens_BL), tokens_BL.device)
        return self.Output(torch.stack([self.step(t, state) for t in tokens_BL.T], dim=1))

    def new_state(self, batch_size, device):
        return [torch.zeros(batch_size, self.table.shape[1], dtype=self.table.dtype, device=device)]

    def step(self, tokens_R, state, rows_R=None):
        rows = slice(None) if rows_R is None else rows_R
        state[0][rows] = torch.tanh(0.5 * state[0][rows] + self.table[tokens_R])
        return state[0][rows] @ self.head

    def read(self, tokens_BL, state, valid_BL):
        logits = []
        for tokens_B, valid_B in zip(tokens_BL.T, valid_BL.T, strict=True):
            before = state[0].clone()
            logits.append(self.step(tokens_B, state))
            state[0][~valid_B] = before[~valid_B]
        return self.Output(torch.stack(logits, dim=1))


def tables(order=3):
    generator = np.random.default_rng(0)
    return [generator.uniform(0.5, 1.386, 4**k).astype(np.float32) for k in range(order + 1)]


WORDS = ["AC", "ACG", "TT", "TTT", "GAT", "GATTACA", "CC"]
CHUNKERS = {
    "random": lambda: RandomChunker(3.0, seed=4, stage=0),
    "soft mask, n": lambda: DelimiterChunker(["soft_mask", "n"]),
    "motifs, stop codons": lambda: DelimiterChunker(["motif_both:GWA", "stop_codon:1"]),
    "space": lambda: DelimiterChunker(["space"], "bytes"),
    "markov": lambda: MarkovChunker(BoundaryRule("threshold", 0.9), tables()),
    "markov, reset": lambda: MarkovChunker(BoundaryRule("difference", 0.1), tables(), reset=7),
    "markov, ties": lambda: MarkovChunker(
        BoundaryRule("threshold", float(tables(1)[1][2]), tie_share=0.5), tables(1)
    ),
    "entropy": lambda: EntropyChunker(BoundaryRule("threshold", 0.8), Recurrent(5)),
    "entropy, reset": lambda: EntropyChunker(
        BoundaryRule("both", 0.7, rise=0.05), Recurrent(5), reset=9
    ),
    "entropy, bytes": lambda: EntropyChunker(
        BoundaryRule("difference", 0.2), Recurrent(256), BYTES
    ),
    "bpe": lambda: BpeChunker(WORDS),
    "track": lambda: ScoreTrackChunker(BoundaryRule("threshold", 0.7)),
    "track, difference": lambda: ScoreTrackChunker(BoundaryRule("difference", 0.3)),
}


def make_positions(name, rows=ROWS, length=LENGTH, seed=0):
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, 4, (rows, length), generator=generator)
    n = torch.rand(rows, length, generator=generator) < 0.08
    tokens = torch.where(n, 4, tokens)
    tokens[:, 0] = 4
    if "space" in name or "bytes" in name:
        tokens = torch.randint(0, 256, (rows, length), generator=generator)
        tokens[:, 0] = 254
    masked = torch.rand(rows, length, generator=generator) < 0.4
    masked[:, 0] = False
    scores = torch.rand(rows, length, generator=generator)
    scores[torch.rand(rows, length, generator=generator) < 0.2] = torch.nan
    return Positions(torch.ones(rows, length, dtype=torch.bool), tokens, masked, scores)


def part(positions, rows, length):
    return Positions(
        positions.valid_BL[rows, :length],
        positions.tokens_BL[rows, :length],
        positions.masked_BL[rows, :length],
        positions.scores_BL[rows, :length],
    )


def x_of(positions):
    return torch.zeros(*positions.valid_BL.shape, 2)


@pytest.fixture(params=CHUNKERS)
def name(request):
    return request.param


def test_it_asks_for_some_boundaries_and_not_for_all(name):
    positions = make_positions(name, rows=20)
    p = CHUNKERS[name]()(x_of(positions), positions)
    assert p.dtype == torch.float32
    assert set(p.unique().tolist()) == {0.0, 1.0}
    assert 0.02 < p.mean() < 0.9


def test_a_later_position_changes_no_earlier_decision(name):
    positions = make_positions(name)
    chunker = CHUNKERS[name]()
    before = chunker(x_of(positions), positions)
    other = make_positions(name, seed=1)
    for t in range(1, LENGTH):
        changed = Positions(
            positions.valid_BL,
            torch.cat([positions.tokens_BL[:, :t], other.tokens_BL[:, t:]], 1),
            torch.cat([positions.masked_BL[:, :t], other.masked_BL[:, t:]], 1),
            torch.cat([positions.scores_BL[:, :t], other.scores_BL[:, t:]], 1),
        )
        assert torch.equal(chunker(x_of(changed), changed)[:, :t], before[:, :t])


def test_rows_and_lengths_do_not_matter(name):
    positions = make_positions(name)
    chunker = CHUNKERS[name]()
    whole = chunker(x_of(positions), positions)
    for row in range(ROWS):
        for length in (1, 2, 17, LENGTH):
            alone = part(positions, slice(row, row + 1), length)
            assert torch.equal(chunker(x_of(alone), alone)[0], whole[row, :length])


def test_steps_are_the_whole(name):
    """Rows step at different times, as within generation."""
    positions = make_positions(name)
    chunker = CHUNKERS[name]()
    whole = chunker(x_of(positions), positions)
    state = chunker.new_state(ROWS, torch.device("cpu"))
    done = [0] * ROWS
    generator = np.random.default_rng(3)
    while min(done) < LENGTH:
        rows = [r for r in range(ROWS) if done[r] < LENGTH and generator.random() < 0.7]
        if not rows:
            continue
        index, t = torch.tensor(rows), torch.tensor([done[r] for r in rows])
        here = Positions(
            positions.valid_BL[index, t, None],
            positions.tokens_BL[index, t, None],
            positions.masked_BL[index, t, None],
            positions.scores_BL[index, t, None],
        )
        p = chunker.step(torch.zeros(len(rows), 2), here, state, index)
        assert torch.equal(p, whole[index, t])
        for r in rows:
            done[r] += 1


def test_reading_is_the_whole(name):
    """Many positions at once, of rows that end at different ones, some of them at once."""
    positions = make_positions(name)
    chunker = CHUNKERS[name]()
    whole = chunker(x_of(positions), positions)
    state = chunker.new_state(ROWS, torch.device("cpu"))
    done, rows = torch.zeros(ROWS, dtype=torch.int64), torch.arange(ROWS)[:, None]
    for counts in ([1, 0, 20], [30, 2, 1], [0, 17, 0], [29, 41, 39]):
        count = torch.tensor(counts)
        place = torch.arange(max(counts))
        at = (done[:, None] + place).clamp(max=LENGTH - 1)
        valid = place < count[:, None]
        here = Positions(
            valid,
            torch.where(valid, positions.tokens_BL[rows, at], 3),
            positions.masked_BL[rows, at],
            positions.scores_BL[rows, at],
        )
        p = chunker.read(x_of(here), here, state)
        assert torch.equal(p[valid], whole[rows, at][valid])
        done += count
    assert done.tolist() == [LENGTH] * ROWS


def test_it_has_nothing_to_train_or_to_save(name):
    chunker = CHUNKERS[name]()
    assert list(chunker.parameters()) == []
    assert chunker.state_dict() == {}
