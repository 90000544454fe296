"""Mixers whose kernels come from the CUDA packages, against the mixers of the float64 oracle."""

import contextlib

import pytest
import torch

from genomenet.models.config import ModelConfig
from genomenet.nn.attention import CausalAttention
from genomenet.nn.mamba2 import Mamba2
from genomenet.ops import backend
from tests.ops import stand_ins
from tests.ops.interpreted import install_interpreted
from tests.oracles import model as oracle
from tests.oracles.compare import relative

NUMBERS = ModelConfig(d_model=16, head_dim=8, d_state=16, mamba_head_dim=16, window=9).stage(0)
MIXERS = {
    "mamba2": (lambda: Mamba2(16, 32, 16, 16, 4), oracle.mamba2),
    "attention": (lambda: CausalAttention(16, 8, 4, 9), oracle.attention),
}
CASES = [
    ("mamba2", torch.float32, 1e-5),
    ("mamba2", torch.float16, 5e-3),
    ("attention", torch.float16, 5e-3),
    ("attention", torch.bfloat16, 3e-2),
]


@pytest.fixture(params=["stand-ins", pytest.param("packages", marks=pytest.mark.kernels)])
def packages(request, monkeypatch):
    if request.param == "packages":
        install_interpreted(monkeypatch)
    else:
        stand_ins.install_all(monkeypatch)
        stand_ins.as_cuda(monkeypatch)
    yield
    backend.packaged.cache_clear()


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(("name", "dtype", "bound"), CASES)
def test_values_and_gradients_are_the_oracles(name, dtype, bound, monkeypatch):
    torch.manual_seed(0)
    make, slow = MIXERS[name]
    mixer = make()
    x_BLD, weight = torch.randn(2, 37, 16), torch.randn(2, 37, 16)
    served = []
    uses = backend.uses
    monkeypatch.setattr(
        backend, "uses", lambda operation, t: served.append(operation) or uses(operation, t)
    )
    x = x_BLD.clone().requires_grad_()
    half = dtype != torch.float32
    with torch.autocast("cpu", dtype) if half else contextlib.nullcontext():
        y = mixer(x)
    (y.float() * weight).sum().backward()
    assert set(served) == ({"conv", "ssd", "norm"} if name == "mamba2" else {"attention"})

    weights = {n: p.detach().double().requires_grad_() for n, p in mixer.named_parameters()}
    exact_x = x_BLD.double().requires_grad_()
    exact = torch.stack([slow(weights, "", NUMBERS, row) for row in exact_x])
    (exact * weight).sum().backward()
    errors = {"y": relative(y, exact), "x": relative(x.grad, exact_x.grad)}
    for n, p in mixer.named_parameters():
        errors[n] = relative(p.grad, weights[n].grad)
    assert max(errors.values()) < bound, errors
