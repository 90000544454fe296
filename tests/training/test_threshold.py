"""Thresholds for a wanted mean length, on made-up values."""

import pytest
import torch
import torch.nn.functional as F

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.guards import Guards
from genomenet.chunking.noise import hash_recent
from genomenet.chunking.recent import recent
from genomenet.chunking.rules import BoundaryRule
from genomenet.errors import UserError
from genomenet.training.threshold import Sample, find_threshold

FREE = Guards()


def sample(value_BL, reset=0, lengths=None):
    rows, length = value_BL.shape
    tokens_BL = torch.randint(0, 4, (rows, length), generator=torch.Generator().manual_seed(1))
    lengths = torch.full((rows,), length) if lengths is None else lengths
    valid_BL = torch.arange(length) < lengths[:, None]
    forced_BL = torch.zeros(rows, length, dtype=torch.bool)
    if reset:
        forced_BL[:, ::reset] = True
    return Sample(
        Positions(valid_BL, tokens_BL),
        value_BL,
        F.pad(value_BL[:, :-1], (1, 0)),
        hash_recent(recent(tokens_BL, 16)),
        forced_BL,
    )


def drawn(rows=600, length=256, seed=0):
    return torch.rand(rows, length, generator=torch.Generator().manual_seed(seed))


def test_without_forced_boundaries_it_is_the_quantile():
    value_BL = drawn()
    rule, note = find_threshold(sample(value_BL), BoundaryRule("threshold", 0), FREE, 4.0)
    assert rule.threshold == pytest.approx(value_BL.quantile(1 - 1 / 4).item(), abs=0.005)
    assert note == ""
    assert rule.threshold == torch.tensor(rule.threshold).item(), "a float32"


@pytest.mark.parametrize("kind", ["threshold", "difference", "both"])
@pytest.mark.parametrize(("guards", "reset"), [(FREE, 0), (Guards(max_chunk=7), 0), (FREE, 32)])
def test_the_mean_is_met_on_other_windows(kind, guards, reset):
    rule, note = find_threshold(
        sample(drawn(), reset), BoundaryRule(kind, 0, rise=-0.5), guards, 4.0
    )
    assert note == ""
    other = sample(drawn(seed=5), reset, lengths=torch.randint(100, 257, (600,)))
    assert other.mean(rule, guards) == pytest.approx(4.0, rel=0.02)


def test_levels_with_many_positions_are_shared_out():
    value_BL = (drawn() * 3).floor()  # thirds: chunks of 3 or of 1.5 positions, or one a window
    given = sample(value_BL)
    rule, note = find_threshold(given, BoundaryRule("threshold", 0), FREE, 2.0)
    assert rule.threshold == 1.0
    assert 0.4 < rule.tie_share < 0.6, "2 is 1/2, which is 1/3 and half of another third"
    assert "exactly the value at the threshold" in note
    assert given.mean(rule, FREE) == pytest.approx(2.0, rel=0.002)
    assert sample((drawn(seed=6) * 3).floor()).mean(rule, FREE) == pytest.approx(2.0, rel=0.02)


def test_one_of_the_levels_may_do():
    value_BL = (drawn() * 4).floor()
    rule, _ = find_threshold(sample(value_BL), BoundaryRule("threshold", 0), FREE, 4.0)
    assert 2 < rule.threshold < 3 or rule.tie_share > 0
    assert sample(value_BL).mean(rule, FREE) == pytest.approx(4.0, rel=0.01)


def test_what_is_out_of_reach_is_told():
    scattered = drawn()
    scattered[drawn(seed=3) < 0.9] = torch.nan
    with pytest.raises(UserError, match="even without a threshold they are"):
        find_threshold(sample(scattered), BoundaryRule("threshold", 0), FREE, 4.0)
    with pytest.raises(UserError, match="forced boundaries"):
        find_threshold(sample(drawn()), BoundaryRule("threshold", 0), Guards(max_chunk=3), 4.0)
    with pytest.raises(UserError, match="no value at any position"):
        find_threshold(
            sample(torch.full((2, 9), torch.nan)), BoundaryRule("threshold", 0), FREE, 4.0
        )
