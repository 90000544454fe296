"""BLT's rules: the published table, its worked example, and an oracle of sentences."""

import pytest
import torch

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.guards import Guards, apply_guards
from genomenet.chunking.patch_lengths import mask_from_patch_lengths, patch_lengths_from_mask
from genomenet.chunking.recent import recent
from genomenet.chunking.rules import BoundaryRule
from tests.oracles import chunkers as oracle

EXAMPLE = [2.0, 0.5, 1.8, 1.9, 0.2, 0.1, 1.5, 0.3]


def decide(rule, values):
    value_BL = torch.tensor([values])
    return rule.decide(value_BL, recent(torch.zeros_like(value_BL, dtype=torch.int64), 16))


@pytest.mark.parametrize(
    ("rule", "lengths"),
    [
        (BoundaryRule("threshold", 1.3), [1, 2, 1, 3, 2]),
        (BoundaryRule("difference", 0.4), [1, 1, 1, 4, 2]),
        (BoundaryRule("both", 1.3, rise=0.4, parity=True), [1, 1, 5, 2]),
        (BoundaryRule("both", 1.3, rise=0.4), [1, 1, 1, 4, 2]),
    ],
)
def test_the_worked_example(rule, lengths):
    """As the published functions answer, with the token that comes next."""
    mask = decide(rule, EXAMPLE)
    assert patch_lengths_from_mask(mask).tolist() == [lengths]
    assert oracle.patch_lengths(mask[0].tolist(), include_next=True) == lengths
    without = [*lengths[:-1], lengths[-1] - 1]
    assert oracle.patch_lengths(mask[0].tolist(), include_next=False) == without
    assert torch.equal(mask_from_patch_lengths(torch.tensor([lengths]), 8), mask)


@pytest.mark.parametrize("kind", ["threshold", "difference", "both"])
@pytest.mark.parametrize("parity", [False, True])
def test_rules_are_the_oracles_and_prefixes_agree(kind, parity):
    rule = BoundaryRule(kind, 0.25, rise=0.125, parity=parity)
    values = (
        torch.randint(0, 9, (40, 13), generator=torch.Generator().manual_seed(0)) / 8
    ).tolist()
    for row in values:
        asks = oracle.rule_starts(row, 0.25, 0.125, kind, parity)
        assert decide(rule, row)[0].tolist() == asks
        for end in (1, 2, 3, 7):
            assert decide(rule, row[:end])[0].tolist() == asks[:end]


def test_a_longest_patch_is_cut_as_it_grows():
    rule = BoundaryRule("threshold", 0.8)
    value_BL = torch.rand(30, 50, generator=torch.Generator().manual_seed(2))
    tokens_BL = torch.zeros(30, 50, dtype=torch.int64)
    positions = Positions(torch.ones(30, 50, dtype=torch.bool), tokens_BL)
    mask = rule.decide(value_BL, recent(tokens_BL, 16))
    found = apply_guards(mask.float(), positions, Guards(max_chunk=4)).mask
    for row in range(30):
        plain = oracle.patch_lengths(mask[row].tolist(), include_next=True)
        expected = oracle.with_max_chunk(plain, 4)
        lengths = patch_lengths_from_mask(found[row : row + 1])[0].tolist()
        assert lengths == expected


@pytest.mark.parametrize("longest", [None, 4])
@pytest.mark.parametrize("length", [1, 2, 3, 60])
def test_thresholds_and_longest_patches_are_those_of_transformers(longest, length):
    """An independent implementation of BLT's default rule (Apache licence)."""
    blt = pytest.importorskip("transformers.models.blt.modeling_blt")
    value_BL = torch.rand(20, length, generator=torch.Generator().manual_seed(length))
    theirs = blt.BltPatcher.patch_lengths_from_entropies(value_BL, length + 1, threshold=0.7)
    theirs = blt.process_patch_lengths(theirs, longest)
    tokens_BL = torch.zeros(20, length, dtype=torch.int64)
    asks = BoundaryRule("threshold", 0.7).decide(value_BL, recent(tokens_BL, 16))
    positions = Positions(torch.ones(20, length, dtype=torch.bool), tokens_BL)
    mask = apply_guards(asks.float(), positions, Guards(max_chunk=longest or 0)).mask
    ours = patch_lengths_from_mask(mask)
    for one, other in zip(ours.tolist(), theirs.tolist(), strict=True):
        assert [n for n in one if n] == [n for n in other if n]


def test_nan_never_asks():
    nan = float("nan")
    assert decide(BoundaryRule("threshold", 0.0), [nan, nan, 1.0]).tolist() == [[True, False, True]]
    asks = decide(BoundaryRule("difference", 0.0), [0.0, 1.0, nan, 1.0, 2.0])
    assert asks.tolist() == [[True, True, False, False, True]]


def test_a_share_of_ties_asks_by_the_tokens_alone():
    tokens_BL = torch.randint(0, 4, (50, 400), generator=torch.Generator().manual_seed(3))
    value_BL = torch.ones(50, 400)
    asks = BoundaryRule("threshold", 1.0, tie_share=0.3).decide(value_BL, recent(tokens_BL, 16))
    assert asks[:, 1:].float().mean().item() == pytest.approx(0.3, abs=0.01)
    shifted = BoundaryRule("threshold", 1.0, tie_share=0.3).decide(
        value_BL[:, 5:], recent(tokens_BL[:, 5:], 16)
    )
    assert torch.equal(asks[:, 21:], shifted[:, 16:]), "the same bases decide the same elsewhere"
    none = BoundaryRule("threshold", 1.0).decide(value_BL, recent(tokens_BL, 16))
    assert none[:, 1:].sum() == 0
