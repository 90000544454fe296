"""Compiled layers compute what they did, for any number of chunks."""

import pytest
import torch

from genomenet.models.tokenised import make_language_model
from genomenet.training.compiling import compile_layers
from genomenet.training.run import train
from tests.models.arms import ARMS, some_tokens


def gradients(model, tokens_BL):
    model.zero_grad()
    scores = model.score(tokens_BL, tokens_BL, torch.ones_like(tokens_BL, dtype=torch.bool))
    scores.nats_BL.sum().backward()
    return scores.nats_BL.detach(), [p.grad.clone() for p in model.parameters()]


@pytest.mark.parametrize("arm", ["windowed transformer", "hnet transformer", "moe within"])
def test_values_gradients_and_names_stay(arm):
    torch.manual_seed(0)
    model = make_language_model(ARMS[arm]).double()
    names = list(model.state_dict())
    batches = [some_tokens(2, length) for length in (24, 31, 40)]
    before = [gradients(model, tokens) for tokens in batches]
    compile_layers(model, backend="aot_eager")
    assert list(model.state_dict()) == names
    for tokens, (nats, expected) in zip(batches, before, strict=True):
        found, grads = gradients(model, tokens)
        torch.testing.assert_close(found, nats, rtol=1e-9, atol=1e-12)
        for one, other in zip(grads, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_a_compiled_run_trains_alike(make_config, tmp_path):
    model = {"layout": "m1 + T1 + m1"}
    nats = [
        train(
            make_config(model=model, compile=on), tmp_path / f"{on}", "", progress=False
        ).valid_nats
        for on in (False, True)
    ]
    assert nats[1] == pytest.approx(nats[0], rel=1e-5)
