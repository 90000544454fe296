"""RMSNorm and its gated form against their definitions."""

import pytest
import torch

from genomenet.ops import gated_rms_norm, norm, rms_norm
from tests.oracles import ops as oracle
from tests.oracles.compare import assert_matches, relative, values_and_gradients

FORMS = [(rms_norm, oracle.rms_norm, 1), (gated_rms_norm, oracle.gated_rms_norm, 2)]


def make(shape, values):
    f = torch.float64
    return [*(torch.randn(shape, dtype=f) for _ in range(values)), torch.randn(shape[-1], dtype=f)]


@pytest.mark.parametrize(("op", "slow", "values"), FORMS)
@pytest.mark.parametrize("shape", [(4,), (7,), (1, 1, 5), (2, 65, 12), (3, 2, 2, 8)])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_matches_the_definition(op, slow, values, shape, dtype, bound):
    assert_matches(op, slow, make(shape, values), dtype, bound)


@pytest.mark.parametrize(("op", "slow", "values"), FORMS)
def test_blocks_of_rows_do_not_matter(monkeypatch, op, slow, values):
    monkeypatch.setattr(norm, "NUMBERS", 40)
    assert_matches(op, slow, make((3, 7, 12), values), torch.float64, 1e-10)


@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e12])
def test_extreme_rows(scale):
    x, weight = make((4, 9), 1)
    x[1] *= scale
    assert_matches(rms_norm, oracle.rms_norm, [x, weight], torch.float64, 1e-10)
    assert torch.isfinite(rms_norm(x.float(), weight.float())).all()


def test_a_gradient_with_a_large_mean():
    # The fused backward subtracts the mean of dy * weight and it is added back.
    x, weight = (t.float() for t in make((50, 64), 1))
    dy = torch.full_like(x, 1000.0) + torch.randn_like(x)
    expected = values_and_gradients(
        oracle.rms_norm, [x.double(), weight.double()], torch.float64, dy.double()
    )
    actual = values_and_gradients(rms_norm, [x, weight], torch.float32, dy)
    assert all(relative(a, e) < 1e-5 for a, e in zip(actual, expected, strict=True))


@pytest.mark.parametrize(("op", "slow", "values"), FORMS)
def test_half_precision_in_and_out_with_float32_statistics(op, slow, values):
    inputs = [t.bfloat16() for t in make((4, 64), values)]
    y = op(*inputs)
    assert y.dtype == torch.bfloat16
    assert relative(y, slow(*[t.double() for t in inputs])) < 4e-3
    floats = [t.float() for t in inputs]
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(op(*floats), op(*floats).float())
        assert relative(op(*floats), slow(*[t.double() for t in inputs])) < 1e-6


@pytest.mark.parametrize(("op", "slow", "values"), FORMS)
def test_strided_inputs(op, slow, values):
    inputs = [t.float() for t in make((3, 5, 8), values)]
    wide = [torch.cat([t, torch.randn(3, 5, 3)], -1)[..., :8] for t in inputs[:-1]]
    odd = [t.transpose(0, 1).contiguous().transpose(0, 1) for t in inputs[:-1]]
    dy = torch.randn(8, 5, 3).permute(2, 1, 0)
    plain = values_and_gradients(op, inputs, torch.float32, dy)
    for strided in (wide, odd):
        other = values_and_gradients(op, [*strided, inputs[-1]], torch.float32, dy)
        for one, two in zip(plain, other, strict=True):
            torch.testing.assert_close(one, two, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("op", "slow", "values"), FORMS)
def test_gradcheck(op, slow, values):
    inputs = [t.requires_grad_() for t in make((2, 3, 4), values)]
    assert torch.autograd.gradcheck(op, inputs)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="does not fit"):
        rms_norm(torch.zeros(2, 3), torch.ones(2))
    with pytest.raises(ValueError, match="need one shape"):
        gated_rms_norm(torch.zeros(2, 3), torch.zeros(3, 3), torch.ones(3))
