"""Products with weights by oneDNN and by torch against float64, and which of them is taken."""

import pytest
import torch
from torch.nn import functional as F

from genomenet.nn.linear import Linear
from genomenet.ops import linear as module
from genomenet.ops.linear import linear
from tests.oracles.compare import assert_matches, relative


@pytest.fixture(params=["oneDNN", "torch"])
def library(request, monkeypatch):
    """Both, on whatever processor; a torch without oneDNN has its own only."""
    slow = request.param == "oneDNN" and torch.backends.mkldnn.is_available()
    monkeypatch.setattr(module, "mkl_is_slow", lambda: slow)
    return request.param


def oracle(x, weight, bias=None):
    y = torch.einsum("...d,ed->...e", x, weight)
    return y if bias is None else y + bias


# Wider and narrower than what comes in; rows in one piece and in two, of which one is small.
@pytest.mark.parametrize(("wide", "out"), [(64, 130), (130, 64), (65, 65), (7, 64), (64, 3)])
@pytest.mark.parametrize("shape", [(64,), (2, 64), (9,), (7,), (3, 67), (65,), (2, 5, 64), (0,)])
@pytest.mark.parametrize("bias", [False, True])
def test_matches_the_sum(library, shape, wide, out, bias):
    inputs = [torch.randn(*shape, wide), torch.randn(out, wide), torch.randn(out)]
    if 0 in shape:
        assert linear(*inputs).shape == (*shape, out)
        return
    assert_matches(linear, oracle, inputs if bias else inputs[:2], torch.float32, 1e-5)


def test_strides_do_not_matter(library):
    x, weight = torch.randn(64, 2, 80).transpose(0, 1), torch.randn(80, 70).t()
    dy = torch.randn(70, 2, 64).permute(1, 2, 0)
    leaves = [x.clone().requires_grad_(), weight.clone().requires_grad_()]
    linear(*leaves).backward(dy)
    exact = [t.double().detach().requires_grad_() for t in leaves]
    oracle(*exact).backward(dy.double())
    for found, wanted in zip(leaves, exact, strict=True):
        assert relative(found.grad, wanted.grad) < 1e-5


def test_only_what_needs_gradients_gets_them(library):
    x, weight = torch.randn(64, 64), torch.randn(64, 64, requires_grad=True)
    linear(x, weight).sum().backward()
    assert x.grad is None
    frozen = Linear(64, 64).requires_grad_(False)
    leaf = x.clone().requires_grad_()
    frozen(leaf).sum().backward()
    assert relative(leaf.grad, frozen.weight.sum(0).expand(64, -1)) < 1e-5


def test_autocast_and_other_dtypes_are_torchs(library):
    layer = Linear(64, 64)
    x = torch.randn(64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
        assert torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))
    double = layer.double()
    assert torch.equal(double(x.double()), F.linear(x.double(), double.weight, double.bias))


def test_few_shapes_go_to_onednn(library, monkeypatch):
    """It makes code for every new one: rows of any number would cost more than they save."""
    taken = set()
    plain = torch.ops.mkldnn._linear_pointwise

    class Spy:
        def _linear_pointwise(self, x, *others):
            taken.add(len(x))
            return plain(x, *others)

    monkeypatch.setattr(module.torch.ops, "mkldnn", Spy())
    weight = torch.randn(64, 64)
    for rows in range(1, 300):
        linear(torch.randn(rows, 64), weight)
    served = library == "oneDNN" and torch.backends.mkldnn.is_available()
    assert taken == ({*range(8, 65), 128, 192, 256} if served else set())
    taken.clear()
    torch.set_float32_matmul_precision("medium")
    try:
        linear(torch.randn(64, 64), weight)
    finally:
        torch.set_float32_matmul_precision("highest")
    assert not taken


def test_padded_lengths_make_whole_pieces(library):
    served = library == "oneDNN" and torch.backends.mkldnn.is_available()
    for rows in range(1, 70):
        for length in (1, 63, 64, 513):
            padded = module.padded_length(rows, length)
            assert length <= padded < length + 64
            assert rows * padded % 64 == 0 if served else padded == length


def test_the_switch_turns_it_off(monkeypatch):
    module.mkl_is_slow.cache_clear()
    monkeypatch.setenv("GENOMENET_NATIVE", "0")
    assert not module.mkl_is_slow()
    module.mkl_is_slow.cache_clear()
