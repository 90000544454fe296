"""Static shapes: nothing waits for the device, nothing is compiled anew, and results stay."""

from dataclasses import replace

import pytest
import torch
import torch._dynamo

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.guards import Guards, apply_guards
from genomenet.errors import UserError
from genomenet.models.tokenised import make_language_model
from genomenet.training.run import train
from genomenet.training.static_shapes import fix_shapes
from tests.host_waits import HostWaits
from tests.models.arms import ARMS, side_inputs, some_tokens

LENGTH = 700
LIMITS = {"boundary_at_n": False, "max_boundary_share": 0.5, "max_chunk": 30}
NAMES = [
    "hnet transformer", "hnet mamba2", "hnet two stages", "without smoothing", "spacebyte",
    "soft mask, n", "blt learned", "blt n-grams", "blt around hnet", "entropy",
]  # fmt: skip


def make(name: str):
    torch.manual_seed(0)
    limits = {**LIMITS, "max_chunk": 0} if name == "entropy" else LIMITS  # as it was calibrated
    return make_language_model(replace(ARMS[name], **limits))


SIDES = side_inputs(3, LENGTH)


def scored(model, tokens):
    model.zero_grad()
    valid = torch.arange(tokens.shape[1]) < torch.tensor([[tokens.shape[1]], [500], [64]])
    scores = model.score(tokens, tokens.where(valid, -1), valid, **SIDES)
    probability = sum(b.probability.where(b.valid, 0).sum() for b in scores.boundaries)
    (scores.nats_BL.sum() + probability).backward()
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    return scores.nats_BL.detach().where(valid, 0), grads


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_stay(name):
    model = make(name).double()
    tokens = some_tokens(3, LENGTH)
    expected, grads = scored(model, tokens)
    fix_shapes(model, LENGTH)
    found, others = scored(model, tokens)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    for one, other in zip(others, grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_no_forward_pass_waits(name):
    model = make(name)
    fix_shapes(model, LENGTH)
    with HostWaits() as waits:
        scored(model, some_tokens(3, LENGTH))
    assert waits.total == 0, waits.counts


def test_the_network_within_has_one_shape():
    model, shapes = make("hnet transformer"), []
    hook = model.backbone.main_network.register_forward_pre_hook
    hook(lambda module, inputs: shapes.append(inputs[0].shape))
    for fixed in (False, True):
        for tokens in (torch.zeros(3, LENGTH).long(), some_tokens(3, LENGTH)):
            scored(model, tokens)
        if not fixed:
            assert shapes[0] != shapes[1]
            fix_shapes(model, LENGTH)
    assert shapes[2] == shapes[3]
    assert shapes[3][1] >= shapes[1][1]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.7])
@pytest.mark.parametrize("max_chunk", [0, 5, 64])
def test_no_sequence_has_more_boundaries_than_there_is_room_for(share, max_chunk):
    """Whatever a chunker asks for, and the limit is met by the worst of them to a few."""
    guards, length = Guards(max_chunk, share), 1000
    most = guards.most(length)
    asked = torch.cat(
        [
            torch.rand(40, length) * torch.rand(40, 1) * 2,
            torch.ones(1, length),
            torch.cat([torch.ones(length // 2), torch.zeros(length // 2)])[None],
            torch.cat([torch.zeros(length // 2), torch.ones(length // 2)])[None],
        ]
    )
    valid = torch.ones_like(asked, dtype=torch.bool)
    counts = apply_guards(asked, Positions(valid), guards).mask.sum(1)
    assert counts.max() <= most
    assert counts.max() >= min(length, most) - (length // max_chunk if max_chunk else 0)


def test_limits_that_are_none():
    assert Guards(max_chunk=5).most(100) == 100
    assert Guards(max_boundary_share=0.5, at_n=True).most(1000) == 1000
    assert Guards(max_boundary_share=0.5).most(1000) == 64 + 500


@pytest.mark.parametrize(
    ("name", "changed", "says"),
    [
        ("hnet transformer", {"boundary_at_n": True}, "set model.boundary_at_n to false"),
        ("hnet transformer", {"max_boundary_share": 1.0}, "max_boundary_share 1"),
        ("hnet two stages", {"max_boundary_share": [0.5, 1.0]}, "boundaries of stage 1"),
        ("moe within", {}, "mixtures of experts"),
        ("k-mers", {}, "model.tokeniser kmer"),
    ],
)
def test_what_has_no_limit_is_refused(name, changed, says):
    limits = {} if name == "k-mers" else {**LIMITS, **changed}
    model = make_language_model(replace(ARMS[name], **limits))
    with pytest.raises(UserError, match=says):
        fix_shapes(model, LENGTH)


def test_boundaries_that_are_given_know_no_limit():
    model = make("hnet transformer").double()
    tokens = some_tokens(2, 200)
    lengths = torch.ones(2, 201, dtype=torch.int64)
    expected = model(tokens, patch_lengths=lengths).logits
    fix_shapes(model, LENGTH)
    torch.testing.assert_close(model(tokens, patch_lengths=lengths).logits, expected)


def test_a_run_with_static_shapes_is_the_same_run(make_config, tmp_path):
    model = {**LIMITS, "max_boundary_share": 0.3}
    data = {"max_length": 256}
    nats = [
        train(
            make_config(model=model, data=data, max_steps=4, static_shapes=on),
            tmp_path / f"{on}", "", progress=False,
        ).valid_nats
        for on in (False, True)
    ]  # fmt: skip
    assert nats[1] == pytest.approx(nats[0], rel=1e-6)


@pytest.mark.slow
def test_a_compiled_model_is_not_compiled_again():
    """Dynamo breaks it into graphs at what has a backward pass of its own; later batches add none.

    Without static shapes they do.
    """
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    batches = [torch.zeros(3, LENGTH).long(), some_tokens(3, LENGTH), some_tokens(3, LENGTH) % 3]
    grown = {}
    for fixed in (False, True):
        torch._dynamo.reset()
        model = make_language_model(
            replace(ARMS["hnet transformer"], **LIMITS, layout="t1 + t1 + t1")
        )
        if fixed:
            fix_shapes(model, LENGTH)
        compiled = torch.compile(model, backend=backend, dynamic=False)
        counts = []
        for tokens in batches:
            compiled(tokens, torch.ones_like(tokens, dtype=torch.bool)).logits.sum().backward()
            counts.append(len(graphs))
        grown[fixed] = counts[-1] - counts[0]
    torch._dynamo.reset()
    assert grown[True] == 0
    assert grown[False] > 0
