"""Guards on whole sequences against a loop, step by step, and what they promise."""

import itertools

import pytest
import torch

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.guards import (
    BURST,
    Guards,
    GuardState,
    apply_guards,
    decide,
    read_guards,
    step_guards,
)

LENGTH = 300

ALL = [
    Guards(max_chunk, share, at_n)
    for max_chunk, share, at_n in itertools.product((0, 1, 7), (1.0, 0.3, 0.01), (False, True))
]


def some_positions() -> tuple[torch.Tensor, Positions]:
    generator = torch.Generator().manual_seed(1)
    p = torch.rand(4, LENGTH, generator=generator)
    p[1] *= 0.4  # asks for nothing
    p[2] = 0.6 + 0.4 * p[2]  # asks for everything
    tokens = torch.randint(0, 4, (4, LENGTH), generator=generator)
    tokens[:, 0] = 4
    tokens[0, 1:20] = 4
    tokens[1, 50:60] = 4
    tokens[3, 298:] = 4
    valid = torch.arange(LENGTH) < torch.tensor([[LENGTH], [LENGTH], [LENGTH], [299]])
    return p, Positions(valid, tokens)


def loop(p: list[float], tokens: list[int], guards: Guards) -> tuple[list[float], list[bool]]:
    probability, mask, granted, last = [], [], 0, 0
    for t, value in enumerate(p):
        asks = value > 0.5 or t == 0
        if guards.max_boundary_share < 1:
            asks = asks and granted < BURST + int(guards.max_boundary_share * (t + 1))
        granted += asks
        forced = t == 0 or (guards.at_n and t > 1 and (tokens[t] == 4) != (tokens[t - 1] == 4))
        too_long = guards.max_chunk and not asks and not forced and t - last >= guards.max_chunk
        forced = forced or bool(too_long)
        mask.append(asks or forced)
        probability.append(1.0 if forced else value)
        last = t if mask[-1] else last
    return probability, mask


@pytest.mark.parametrize("guards", ALL, ids=str)
def test_guards_equal_a_loop_and_their_own_steps(guards):
    p, positions = some_positions()
    found = apply_guards(p, positions, guards)
    state = GuardState.new(4, p.device)
    rows = torch.arange(4)
    for t in range(LENGTH):
        token = Positions(positions.valid_BL[:, t : t + 1], positions.tokens_BL[:, t : t + 1])
        stepped = step_guards(p[:, t], token, guards, state, rows)
        assert torch.equal(stepped[0], found.probability[:, t]), t
        assert torch.equal(stepped[1] & token.valid_BL[:, 0], found.mask[:, t]), t
    for row in range(4):
        probability, mask = loop(p[row].tolist(), positions.tokens_BL[row].tolist(), guards)
        torch.testing.assert_close(found.probability[row], torch.tensor(probability))
        assert found.mask[row].tolist() == [
            m and v for m, v in zip(mask, positions.valid_BL[row].tolist(), strict=True)
        ]


@pytest.mark.parametrize("guards", ALL, ids=str)
def test_guards_go_on_behind_a_prefix(guards):
    """Ragged reads with a step between them decide as the whole does."""
    p, positions = some_positions()
    found = apply_guards(p, positions, guards)
    state, rows = GuardState.new(4, p.device), torch.arange(4)[:, None]
    done = torch.zeros(4, dtype=torch.int64)
    for counts in ([1, 0, 70, 6], [0, 3, 1, 100], [64, 64, 64, 64], [90, 120, 10, 2]):
        count = torch.tensor(counts)
        place = torch.arange(max(counts))
        at, valid = (done[:, None] + place).clamp(max=LENGTH - 1), place < count[:, None]
        here = Positions(valid, positions.tokens_BL[rows, at])
        read = read_guards(p[rows, at], here, guards, state)
        assert torch.equal(read.mask[valid], found.mask[rows, at][valid])
        assert torch.equal(read.probability[valid], found.probability[rows, at][valid])
        assert not read.mask[~valid].any()
        done += count
        some = torch.tensor([0, 2])
        token = Positions(torch.ones(2, 1).bool(), positions.tokens_BL[some, done[some], None])
        stepped = step_guards(p[some, done[some]], token, guards, state, some)
        assert torch.equal(stepped[1], found.mask[some, done[some]])
        done[some] += 1


def test_what_the_guards_promise():
    p, positions = some_positions()
    found = apply_guards(p, positions, Guards(max_chunk=7))
    gaps = found.mask[1].nonzero()[:, 0].diff()
    assert gaps.max() == 7, "no chunk is longer, even where nothing was asked for"
    held = apply_guards(p, positions, Guards(max_boundary_share=0.3))
    assert held.mask[2].sum() == BURST + int(0.3 * LENGTH), "everything asked for, a share granted"
    at_n = apply_guards(0 * p, positions, Guards(at_n=True))
    assert at_n.mask[1].nonzero()[:, 0].tolist() == [0, 50, 60]
    assert at_n.mask[0].nonzero()[:, 0].tolist() == [0, 20], "the start symbol is no run of N"


def test_given_boundaries_are_taken_as_they_are():
    _, positions = some_positions()
    given = torch.rand(4, LENGTH) > 0.5
    imposed = Positions(positions.valid_BL, positions.tokens_BL, given_BL=given)

    def refuse(x, positions):
        raise AssertionError("nobody is asked")

    found = decide(refuse, torch.zeros(4, LENGTH, 3), imposed, Guards(max_chunk=2, at_n=True))
    assert torch.equal(found.mask, given & positions.valid_BL)
