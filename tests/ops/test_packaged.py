"""The CUDA packages themselves, on a CPU, against the float64 oracles."""

import importlib
import inspect

import pytest
import torch
from torch.nn import functional as F

from genomenet import ops
from genomenet.ops import backend
from tests.ops import stand_ins
from tests.ops.interpreted import install_interpreted
from tests.oracles import ops as oracle
from tests.oracles.compare import assert_matches

pytestmark = pytest.mark.kernels
# Not bfloat16: Triton's interpreter gives wrong numbers for it, silently.
DTYPES = [(torch.float32, 1e-5), (torch.float16, 3e-3)]


@pytest.fixture(autouse=True)
def real_kernels(monkeypatch):
    install_interpreted(monkeypatch)


def scan_inputs(batch, length, heads, width, states):
    f = torch.float64
    return [
        torch.randn(batch, length, heads, width, dtype=f),
        F.softplus(torch.randn(batch, length, heads, dtype=f) - 2),
        -torch.rand(heads, dtype=f) * 8 - 0.5,
        torch.randn(batch, length, states, dtype=f),
        torch.randn(batch, length, states, dtype=f),
        torch.randn(heads, dtype=f),
    ]


@pytest.mark.parametrize(("dtype", "bound"), DTYPES)
@pytest.mark.parametrize("length", [1, 33, 64])
def test_the_scan_matches_the_recurrence(length, dtype, bound):
    inputs = scan_inputs(2, length, 2, 16, 16)

    def scan(x, dt, A, B, C, D):
        # Step sizes and rates stay in float32 in models, whatever x is.
        return ops.ssd_scan(x, dt.float(), A.float(), B, C, D.float())

    assert backend.uses("ssd", inputs[0].to(dtype))
    assert_matches(scan, oracle.ssd, inputs, dtype, bound)


def test_the_scan_goes_on_over_its_chunks():
    """mamba-ssm cuts at 256 positions; 300 leave a ragged second chunk."""
    inputs = scan_inputs(1, 300, 1, 16, 16)
    assert_matches(ops.ssd_scan, oracle.ssd, inputs, torch.float32, 1e-5)


@pytest.mark.parametrize(("dtype", "bound"), DTYPES)
@pytest.mark.parametrize("taps", [2, 4])
@pytest.mark.parametrize("length", [1, 3, 50])
def test_the_convolution_matches(length, taps, dtype, bound):
    f = torch.float64
    wide = torch.randn(2, length, 29, dtype=f)

    def of_slice(op):
        return lambda x, weight, bias: op(x[..., 5:21], weight, bias)

    assert_matches(
        of_slice(ops.causal_conv_silu),
        of_slice(oracle.conv_silu),
        [wide, torch.randn(16, taps, dtype=f), torch.randn(16, dtype=f)],
        dtype,
        bound,
    )


@pytest.mark.parametrize(("dtype", "bound"), DTYPES)
@pytest.mark.parametrize("width", [16, 24])  # 24: no power of two
@pytest.mark.parametrize("gated", [False, True])
def test_the_norms_match(gated, width, dtype, bound):
    wide = torch.randn(2, 7, 3 * width, dtype=torch.float64)
    weight = torch.randn(width, dtype=torch.float64)

    def of_slices(norm, gated_norm):
        def run(wide, weight):
            x, z = wide[..., :width], wide[..., width : 2 * width]
            return gated_norm(x, z, weight) if gated else norm(x, weight)

        return run

    assert_matches(
        of_slices(
            lambda x, w: ops.rms_norm(x, w.float()),
            lambda x, z, w: ops.gated_rms_norm(x, z, w.float()),
        ),
        of_slices(oracle.rms_norm, oracle.gated_rms_norm),
        [wide, weight],
        dtype,
        bound,
    )


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float16, 3e-3), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("window", [-1, 0, 5])
@pytest.mark.parametrize("width", [8, 12])  # 12: flash-attn pads heads to multiples of 8
def test_attention_is_handed_over_rightly(window, width, dtype, bound):
    """Its Python side and ours; the kernel below is a stand-in."""
    assert_matches(
        lambda *qkv: ops.causal_attention(*qkv, window),
        lambda *qkv: oracle.attention(*qkv, window),
        list(torch.randn(3, 2, 21, 2, width, dtype=torch.float64)),
        dtype,
        bound,
    )


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("mamba_ssm.ops.triton.ssd_combined", "mamba_chunk_scan_combined"),
        ("causal_conv1d", "causal_conv1d_fn"),
        ("flash_attn", "flash_attn_func"),
        ("flash_attn", "flash_attn_varlen_func"),
        ("mamba_ssm.ops.triton.layernorm_gated", "rmsnorm_fn"),
    ],
)
def test_stand_ins_have_the_signatures_of_the_packages(module, name):
    real = getattr(importlib.import_module(module), name)
    assert inspect.signature(getattr(stand_ins, name)) == inspect.signature(real)
