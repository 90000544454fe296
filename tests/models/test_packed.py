"""Models on packed rows of chunks are the models that they are on padded ones."""

import pytest
import torch

from genomenet.models.hidden_layers import hidden_layers
from genomenet.models.tokenised import make_language_model
from genomenet.nn.moe import balance_losses
from genomenet.nn.stack import Block
from genomenet.ops import backend
from genomenet.ops.packing import Packing
from tests.host_waits import HostWaits
from tests.models.arms import ARMS, side_inputs, some_tokens
from tests.ops import stand_ins

HIERARCHIES = [name for name, config in ARMS.items() if config.networks().stages]
ROWS, LENGTH = 3, 150


def scored(model):
    model.zero_grad()
    tokens = some_tokens(ROWS, LENGTH)
    tokens[0] = 1  # one row with few chunks
    valid = torch.arange(LENGTH) < torch.tensor([[LENGTH], [LENGTH], [40]])
    targets = tokens.where(valid & (tokens < 4), -1)
    scores = model.score(tokens, targets, valid, **side_inputs(ROWS, LENGTH))
    probability = sum(b.probability.where(b.valid, 0).sum() for b in scores.boundaries)
    (scores.nats_BL.sum() + probability + sum(balance_losses(model))).backward()
    grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return scores.nats_BL.detach(), grads


@pytest.fixture
def packed(monkeypatch):
    """Every stack of chunks packs; how many rows it packed."""
    calls, pack = [], Packing.pack

    def counted(packing, x):
        calls.append(x.shape)
        return pack(packing, x)

    def force():
        monkeypatch.setattr(backend, "packs", lambda *_: True)
        monkeypatch.setattr(Packing, "pack", counted)
        return calls

    return force


@pytest.mark.parametrize("recomputes", [False, True])
@pytest.mark.parametrize("name", HIERARCHIES)
def test_values_and_gradients_stay(name, recomputes, packed):
    torch.manual_seed(0)
    model = make_language_model(ARMS[name]).double()
    expected, grads = scored(model)
    calls = packed()
    for layer in model.modules():
        if isinstance(layer, Block):
            layer.recomputes = recomputes
    found, others = scored(model)
    assert calls
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    assert others.keys() == grads.keys()
    for key, grad in grads.items():
        torch.testing.assert_close(others[key], grad, rtol=1e-8, atol=1e-11, msg=key)


@pytest.mark.parametrize("name", ["hnet transformer", "hnet two stages", "blt around hnet"])
def test_the_host_waits_once_a_stage(name, packed):
    model = make_language_model(ARMS[name])
    tokens = some_tokens(ROWS, LENGTH)
    packed()
    with HostWaits() as waits:
        model(tokens)
    assert waits.total == ARMS[name].networks().stages, waits.counts


@pytest.mark.parametrize("name", ["hnet transformer", "hnet two stages", "blt around hnet"])
def test_layers_are_read_as_padded_rows(name, packed):
    model = make_language_model(ARMS[name]).double()
    tokens = some_tokens(ROWS, LENGTH)
    valid = torch.ones_like(tokens, dtype=torch.bool)
    expected = hidden_layers(model, tokens, valid)
    packed()
    for found, layer in zip(hidden_layers(model, tokens, valid), expected, strict=True):
        at = layer.valid
        assert torch.equal(found.valid, at)
        torch.testing.assert_close(found.vectors[at], layer.vectors[at], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("half", [False, True])
def test_rows_are_packed_where_packages_serve_all_mixers(half, monkeypatch):
    """flash-attn knows no float32: a main network of attention is packed under autocast alone."""
    stand_ins.install_all(monkeypatch)
    stand_ins.as_cuda(monkeypatch)
    rows = {}
    for name in ("hnet mamba2", "hnet transformer"):
        model, shapes = make_language_model(ARMS[name]), []
        layers = model.backbone.main_network.main_network.layers
        layers[0].register_forward_pre_hook(lambda _, inputs, into=shapes: into.append(inputs[0]))
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            model(some_tokens(ROWS, LENGTH))
        rows[name] = len(shapes[0])
    assert rows == {"hnet mamba2": 1, "hnet transformer": 1 if half else ROWS}
    backend.packaged.cache_clear()


def test_nothing_is_packed_on_a_cpu(monkeypatch):
    monkeypatch.setattr(Packing, "of", lambda *_: pytest.fail("packed"))
    make_language_model(ARMS["hnet mamba2"])(some_tokens(ROWS, LENGTH))
