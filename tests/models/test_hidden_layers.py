"""Hidden layers: the vectors that a pass through the model makes, whatever stands beside them."""

import pytest
import torch

from genomenet.models.hidden_layers import READOUT, hidden_layers
from genomenet.models.hidden_states import HiddenLayer
from genomenet.models.tokenised import make_language_model
from tests.models.arms import ARMS, some_tokens

KINDS = ["transformer", "mamba2", "hnet mamba2", "hnet two stages", "blt learned", "k-mers"]


def model_of(arm):
    torch.manual_seed(1)
    return make_language_model(ARMS[arm]).double().eval()


def layers_of(model, tokens, valid=None):
    valid = torch.ones_like(tokens, dtype=torch.bool) if valid is None else valid
    with torch.no_grad():
        return hidden_layers(model, tokens, valid)


def test_layers_of_an_isotropic_model_are_those_of_a_pass_by_hand():
    model = model_of("transformer")
    tokens = some_tokens(2, 9)
    with torch.no_grad():
        x = model.embeddings(tokens)
        by_hand = []
        for layer in model.backbone.main_network.layers:
            x = layer(x)
            by_hand.append(x)
        by_hand.append(model.backbone.main_network.rmsnorm(x))
    found = layers_of(model, tokens)
    assert [layer.name for layer in found] == ["main 1", "main 2", READOUT]
    for layer, expected in zip(found, by_hand, strict=True):
        assert torch.equal(layer.vectors, expected)
        assert layer.position.tolist() == [list(range(9))] * 2


def test_layers_of_a_hierarchy_stand_where_its_chunks_begin():
    model = model_of("hnet mamba2")
    tokens = some_tokens(3, 20)
    found = {layer.name: layer for layer in layers_of(model, tokens)}
    assert list(found) == [
        "encoder 1", "encoder 2", "main 1", "main 2", "decoder 1", READOUT,
    ]  # fmt: skip
    with torch.no_grad():
        encoder = model.backbone.encoder.layers
        x = encoder[1](encoder[0](model.embeddings(tokens)))
        boundaries = model(tokens).boundaries[0].mask
        logits = model(tokens).logits
    assert torch.equal(found["encoder 2"].vectors, x)
    assert torch.equal(model.lm_head(found[READOUT].vectors), logits)
    main = found["main 2"]
    for row in range(3):
        places = main.position[row][main.valid[row]].tolist()
        assert places == boundaries[row].nonzero()[:, 0].tolist()


def test_inner_stages_stand_at_boundaries_of_boundaries():
    model = model_of("hnet two stages")
    tokens = some_tokens(1, 40)
    found = {layer.name: layer for layer in layers_of(model, tokens)}
    assert {"stage 1 encoder 1", "stage 2 encoder 1", "main 1", "stage 2 decoder 1"} <= set(found)
    with torch.no_grad():
        outer, inner = model(tokens).boundaries
    places = outer.mask[0].nonzero()[:, 0]
    expected = places[inner.mask[0][: len(places)].nonzero()[:, 0]]
    main = found["main 1"]
    assert main.position[0][main.valid[0]].tolist() == expected.tolist()


def test_tokens_stand_where_their_last_base_was_read():
    found = layers_of(model_of("k-mers"), torch.tensor([[4, 0, 1, 2, 3, 1]]))
    layer = found[0]
    assert layer.position[0][layer.valid[0]].tolist() == [0, 2, 4, 5]


@pytest.mark.parametrize("arm", KINDS)
def test_padding_changes_no_valid_vector(arm):
    model = model_of(arm)
    tokens = some_tokens(1, 15)
    alone = layers_of(model, tokens)
    padded = torch.cat([tokens, torch.full((1, 9), 3)], dim=1)
    valid = torch.arange(24)[None] < 15
    both = layers_of(
        model, torch.cat([padded, some_tokens(1, 24)]), torch.cat([valid, torch.ones_like(valid)])
    )
    for one, two in zip(alone, both, strict=True):
        kept = one.vectors[0][one.valid[0]]
        assert torch.allclose(kept, two.vectors[0][two.valid[0]], atol=1e-10), one.name


def test_a_model_of_elsewhere_is_asked():
    class Elsewhere(torch.nn.Module):
        def hidden_states(self, tokens_BL, valid_BL, masked_BL=None):
            return [HiddenLayer("own", tokens_BL[..., None], valid_BL)]

    found = layers_of(Elsewhere(), some_tokens(1, 4))
    assert [layer.name for layer in found] == ["own"]
