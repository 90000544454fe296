"""BLT's stage beyond what every arm is tested for: imposed patches, half precision, gradients."""

import pytest
import torch

from genomenet.chunking.patch_lengths import patch_lengths_from_mask
from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel
from tests.models.arms import ARMS, BLT

LENGTH = 70


def some_tokens(rows: int = 2) -> torch.Tensor:
    return torch.randint(0, 4, (rows, LENGTH), generator=torch.Generator().manual_seed(3))


def make(name: str) -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(ARMS[name])


def test_lengths_impose_what_the_chunker_would_have_decided():
    model, tokens = make("blt learned").double(), some_tokens()
    free = model(tokens)
    lengths = patch_lengths_from_mask(free.boundaries[0].mask)
    imposed = model(tokens, patch_lengths=lengths)
    assert torch.equal(imposed.boundaries[0].mask, free.boundaries[0].mask)
    torch.testing.assert_close(imposed.logits, free.logits, rtol=0, atol=0)


def test_patches_far_longer_than_the_window_see_their_first_position():
    """A single patch of 60: its closing position reads what the window can't reach."""
    model, tokens = make("blt fixed").double(), some_tokens(1)
    lengths = torch.tensor([[1, 60, LENGTH - 60]])
    with torch.no_grad():
        before = model(tokens, patch_lengths=lengths).logits
        other = tokens.clone()
        other[0, 3] = (other[0, 3] + 1) % 4
        changed = (model(other, patch_lengths=lengths).logits != before).any(-1)[0]
    reach = 5 * 4  # two layers in the encoder and two in the decoder, each seeing 5 back
    assert changed[3]
    assert changed[60:].all()
    assert not changed[3 + reach + 1 : 60].any()


@pytest.mark.parametrize("name", ["blt learned", "blt n-grams"])
def test_bfloat16_autocast_stays_near(name):
    model, tokens = make(name), some_tokens()
    exact = model(tokens)
    lengths = patch_lengths_from_mask(exact.boundaries[0].mask)
    with torch.autocast("cpu", torch.bfloat16):
        half = model(tokens, patch_lengths=lengths)
        half.logits.float().square().mean().backward()
    assert half.logits.dtype == torch.bfloat16
    assert half.boundaries[0].probability.dtype == torch.float32
    difference = (half.logits.float() - exact.logits).abs().mean()
    assert difference < 0.05 * exact.logits.abs().mean()
    for key, parameter in model.named_parameters():
        if not key.startswith("backbone.routing_module"):
            assert torch.isfinite(parameter.grad).all(), key


def test_the_loss_reaches_a_learned_chunker():
    model = make("blt learned")
    model(some_tokens()).logits.square().mean().backward()
    assert model.backbone.routing_module.q_proj_layer.weight.grad.any()


def test_no_projection_where_slots_fill_the_width_within():
    config = ModelConfig(**{**BLT, "d_model": [16, 32]})
    assert LanguageModel(config).backbone.chunk_proj is None
    assert make("blt learned").backbone.chunk_proj is not None
