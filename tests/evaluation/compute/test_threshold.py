"""A moved threshold changes boundaries as it should, and is put back."""

import pytest
import torch

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.guards import Guards, GuardState, apply_guards, step_guards
from genomenet.errors import UserError
from genomenet.evaluation.compute.threshold import chunking_stages, moved_threshold, threshold_of
from tests.evaluation.subjects import tiny_subject
from tests.models.arms import some_tokens


def boundaries(model, tokens_BL):
    valid_BL = torch.ones_like(tokens_BL, dtype=torch.bool)
    with torch.no_grad():
        return model.score(tokens_BL, tokens_BL.clamp(max=3), valid_BL).boundaries


@pytest.mark.parametrize("arm", ["hnet mamba2", "without cosine", "markov", "blt learned"])
def test_lower_thresholds_give_all_and_higher_ones_fewest(arm):
    model, tokens_BL = tiny_subject(arm).model, some_tokens(2, 40)
    before = boundaries(model, tokens_BL)[0].mask
    with moved_threshold(model, -1.0):
        assert boundaries(model, tokens_BL)[0].mask.all()
    with moved_threshold(model, 9.0):
        fewest = boundaries(model, tokens_BL)[0].mask
    with moved_threshold(model, 9.0), moved_threshold(model, threshold_of_trained(arm)):
        assert boundaries(model, tokens_BL)[0].mask.equal(before)
    assert fewest[:, 0].all()
    assert fewest.sum() < before.sum()
    assert boundaries(model, tokens_BL)[0].mask.equal(before)


def threshold_of_trained(arm):
    return threshold_of(chunking_stages(tiny_subject(arm).model)[0])


def test_learned_boundaries_are_where_the_probability_is_above():
    model, tokens_BL = tiny_subject("hnet transformer").model, some_tokens(2, 40)
    probability = boundaries(model, tokens_BL)[0].probability
    for threshold in (0.2, 0.45, 0.55):
        with moved_threshold(model, threshold):
            mask = boundaries(model, tokens_BL)[0].mask
        asked = probability > threshold
        asked[:, 0] = True
        # N forces boundaries, with probability 1.
        assert mask.equal(asked)


def test_an_inner_stage_moves_alone():
    model, tokens_BL = tiny_subject("hnet two stages").model, some_tokens(2, 40)
    outer = boundaries(model, tokens_BL)[0].mask
    with moved_threshold(model, -1.0, stage=1):
        moved = boundaries(model, tokens_BL)
    assert moved[0].mask.equal(outer)
    assert moved[1].mask.equal(moved[1].valid)


def test_the_threshold_comes_back_after_an_error():
    model = tiny_subject("markov").model
    before = threshold_of(chunking_stages(model)[0])
    with pytest.raises(ZeroDivisionError), moved_threshold(model, 3.0):
        _ = 1 / 0
    assert threshold_of(chunking_stages(model)[0]) == before


@pytest.mark.parametrize("arm", ["fixed grid", "transformer", "random"])
def test_rules_without_a_threshold_say_so(arm):
    model = tiny_subject(arm).model
    with pytest.raises(UserError, match="no threshold to move"), moved_threshold(model, 0.3):
        pass


def test_stepping_agrees_with_whole_sequences_at_another_threshold():
    guards = Guards(max_chunk=7, threshold=0.3)
    generator = torch.Generator().manual_seed(0)
    probability_BL = torch.rand(3, 50, generator=generator) ** 3
    valid_BL = torch.ones(3, 50, dtype=torch.bool)
    whole = apply_guards(probability_BL, Positions(valid_BL), guards)
    state, rows_R = GuardState.new(3, torch.device("cpu")), torch.arange(3)
    for t in range(50):
        _, mask_R = step_guards(
            probability_BL[:, t], Positions(valid_BL[:, :1]), guards, state, rows_R
        )
        assert mask_R.equal(whole.mask[:, t])
