"""The memory model against the storages that models really keep for the backward pass."""

import contextlib
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from genomenet.models.memory import Kernels, Step, largest_batch, saved_bytes, training_memory
from genomenet.models.parameters import count_parameters
from genomenet.models.presets import find_model
from genomenet.models.tokenised import make_language_model
from genomenet.nn.stack import Block
from genomenet.ops.native import library
from tests.ops.interpreted import install_interpreted

TOLERANCE = 0.03
LENGTH = 768
PRESETS = {
    name: find_model(f"laptop-{name}")
    for name in (
        "transformer", "transformer-windowed", "mamba2", "hybrid", "moe", "kmer", "hnet-mamba2",
        "hnet-transformer", "hnet-2stage", "hnet-grid", "hnet-without-cosine",
        "hnet-without-smoothing", "spacebyte", "blt-fixed", "blt-learned",
    )
}  # fmt: skip


def kept(model, tokens, half):
    """Bytes of all storages that autograd keeps, weights apart, and chunks a row has room for."""
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    storages, shapes, weight_copies = {}, [], 0

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = tensor  # held, so that no address is used twice
        return tensor

    hook = model.backbone
    while hasattr(hook, "decoder"):
        hook = hook.main_network
        hook.register_forward_pre_hook(lambda module, inputs: shapes.append(inputs[0].shape[1]))
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        with torch.autocast("cpu", torch.bfloat16) if half else contextlib.nullcontext():
            scores = model.score(tokens, tokens, torch.ones_like(tokens, dtype=torch.bool))
        loss = scores.nats_BL.sum()
    del loss
    total = sum(t.untyped_storage().nbytes() for t in storages.values())
    if half:
        values = [p.detach().bfloat16() for p in model.parameters() if p.ndim == 2]
        for t in storages.values():
            if t.dtype == torch.bfloat16 and t.ndim == 2:
                same = (v for v in values if v.shape in (t.shape, t.shape[::-1]))
                if any(torch.equal(t, v) or torch.equal(t, v.t()) for v in same):
                    weight_copies += t.untyped_storage().nbytes()
    return total - weight_copies, weight_copies, shapes


@pytest.fixture(params=["C++", "torch"])
def compiled(request, monkeypatch):
    """Whether the compiled library serves."""
    if request.param == "torch":
        monkeypatch.setattr(library, "library", lambda: None)
    return library.library() is not None


@pytest.mark.parametrize("half", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("name", PRESETS)
def test_saved_bytes_are_those_that_autograd_keeps(name, rows, half, compiled):
    torch.manual_seed(0)
    config = PRESETS[name]
    model = make_language_model(config)
    tokens = torch.randint(0, 4, (rows, LENGTH))
    found, copies, chunks = kept(model, tokens, half)
    lengths = [LENGTH, *chunks]
    rates = [before / after for before, after in pairwise(lengths)]
    step = Step(rows, LENGTH, rates, Kernels(half, compiled=compiled))
    said = saved_bytes(config, step)
    assert said.total == pytest.approx(found, rel=TOLERANCE)
    if half:
        assert training_memory(config, step).weight_copies == pytest.approx(copies, rel=TOLERANCE)


@pytest.mark.kernels
@pytest.mark.parametrize("half", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["mamba2", "transformer-windowed", "hnet-hybrid"])
def test_the_packages_keep_what_is_said(name, half, monkeypatch):
    """Their own autograd functions; what Triton's interpreter computes in bfloat16 is no matter."""
    install_interpreted(monkeypatch)
    monkeypatch.setattr(library, "library", lambda: None)  # for CPUs, and this stands for a GPU
    torch.manual_seed(0)
    layouts = {"mamba2": "M2", "transformer-windowed": "T3", "hnet-hybrid": "m1 + M1T1 + m1"}
    config = replace(find_model(f"laptop-{name}"), layout=layouts[name])
    found, _, chunks = kept(make_language_model(config), torch.randint(0, 4, (1, 512)), half)
    rates = [512 / of_row for of_row in chunks]
    said = saved_bytes(config, Step(1, 512, rates, Kernels(half, packaged=True)))
    assert said.total == pytest.approx(found, rel=TOLERANCE)


@pytest.mark.parametrize("name", ["mamba2", "transformer", "hnet-transformer"])
def test_checkpointing_keeps_the_residual_stream_alone(name):
    torch.manual_seed(0)
    config = PRESETS[name]
    model = make_language_model(config)
    for layer in model.modules():
        if isinstance(layer, Block):
            layer.recomputes = True
    found, _, chunks = kept(model, torch.randint(0, 4, (2, LENGTH)), half=False)
    rates = [LENGTH / of_row for of_row in chunks]
    step = Step(2, LENGTH, rates, activation_checkpointing=True)
    assert saved_bytes(config, step).total == pytest.approx(found, rel=TOLERANCE)


def test_state_by_hand():
    config = PRESETS["mamba2"]
    parameters = count_parameters(config)
    memory = training_memory(config, Step(2, 1024))
    assert memory.state == 16 * parameters
    halved = training_memory(config, Step(2, 1024, kernels=Kernels(half=True)))
    assert 0 < halved.weight_copies < 2 * parameters
    sharded = training_memory(config, Step(2, 1024, devices=4))
    assert sharded.parameters == memory.parameters / 4
    assert 0 < sharded.gathered < 2 * memory.parameters
    assert sharded.saved == memory.saved


def test_the_packages_keep_what_they_name():
    """mamba-ssm keeps its output and cumulated decays and no states; flash-attn needs no blocks."""
    mamba, windowed = PRESETS["mamba2"], PRESETS["transformer-windowed"]
    layers, length = 6, 1024
    numbers = mamba.stage(0)
    with_torch = saved_bytes(mamba, Step(1, length)).mamba
    packaged = saved_bytes(mamba, Step(1, length, kernels=Kernels(packaged=True))).mamba
    states = length / 64 * numbers.d_state * numbers.d_inner * 4
    misaligned = (2 * numbers.d_inner + 2 * numbers.d_state + numbers.mamba_heads) % 8 > 0
    copied = misaligned * length * (numbers.d_inner + 2 * numbers.d_state) * 4
    decays = length * numbers.mamba_heads * 4
    assert with_torch - packaged == layers * (states - decays - copied)
    half = saved_bytes(windowed, Step(2, length, kernels=Kernels(half=True))).attention
    flash = saved_bytes(windowed, Step(2, length, kernels=Kernels(half=True, packaged=True)))
    width, heads = windowed.stage(0).d_model, windowed.stage(0).d_model // 32
    assert flash.attention == 5 * 2 * length * (7 * width * 2 + heads * 4)
    assert flash.attention < half


def test_the_largest_batch_fits_and_one_more_does_not():
    config, budget = PRESETS["hnet-mamba2"], 2**30
    step = Step(1, 4096, kernels=Kernels(half=True, packaged=True))
    rows = largest_batch(config, step, budget)
    assert training_memory(config, replace(step, rows=rows)).total <= budget
    assert training_memory(config, replace(step, rows=rows + 1)).total > budget
    assert largest_batch(config, step, 2**20) == 0
