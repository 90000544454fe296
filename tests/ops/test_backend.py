"""The choice of kernels, and what is handed to the packages: their stand-ins compute with it."""

import subprocess
import sys
import warnings

import pytest
import torch

from genomenet import ops
from genomenet.ops import backend
from genomenet.ops.native import library
from tests.ops import stand_ins
from tests.oracles import ops as oracle
from tests.oracles.compare import assert_matches

HALF = [(torch.float16, 2e-3), (torch.bfloat16, 2e-2)]


def scan_inputs(length):
    f = torch.float64
    return [
        torch.randn(2, length, 3, 4, dtype=f),
        torch.rand(2, length, 3, dtype=f),
        -torch.rand(3, dtype=f),
        torch.randn(2, length, 5, dtype=f),
        torch.randn(2, length, 5, dtype=f),
        torch.randn(3, dtype=f),
    ]


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), *HALF])
def test_ssd_by_mamba_ssm(monkeypatch, dtype, bound):
    stand_ins.install_all(monkeypatch)
    stand_ins.as_cuda(monkeypatch)
    calls = count(monkeypatch, "mamba_ssm.ops.triton.ssd_combined", "mamba_chunk_scan_combined")
    assert_matches(ops.ssd_scan, oracle.ssd, scan_inputs(7), dtype, bound)
    assert len(calls) == 1


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), *HALF])
@pytest.mark.parametrize("pad", [5, 8])  # width of a row: no multiple of 8, and one
def test_conv_by_causal_conv1d(monkeypatch, pad, dtype, bound):
    stand_ins.install_all(monkeypatch)
    stand_ins.as_cuda(monkeypatch)
    calls = count(monkeypatch, "causal_conv1d", "causal_conv1d_fn")
    f = torch.float64
    wide = torch.randn(2, 9, 8 + pad, dtype=f)  # sliced, as a projection is

    def of_slice(op):
        return lambda x, weight, bias: op(x[..., pad - 3 : pad + 5], weight, bias)

    assert_matches(
        of_slice(ops.causal_conv_silu),
        of_slice(oracle.conv_silu),
        [wide, torch.randn(8, 4, dtype=f), torch.randn(8, dtype=f)],
        dtype,
        bound,
    )
    assert len(calls) == 1


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), *HALF])
@pytest.mark.parametrize("gated", [False, True])
def test_norms_by_mamba_ssm(monkeypatch, gated, dtype, bound):
    stand_ins.install_all(monkeypatch)
    stand_ins.as_cuda(monkeypatch)
    calls = count(monkeypatch, "mamba_ssm.ops.triton.layernorm_gated", "rmsnorm_fn")
    f = torch.float64
    inputs = [torch.randn(2, 5, 8, dtype=f), torch.randn(2, 5, 8, dtype=f), torch.randn(8, dtype=f)]
    if gated:
        assert_matches(ops.gated_rms_norm, oracle.gated_rms_norm, inputs, dtype, bound)
    else:
        assert_matches(ops.rms_norm, oracle.rms_norm, [inputs[0], inputs[2]], dtype, bound)
    assert len(calls) == 1


@pytest.mark.parametrize(("dtype", "bound"), HALF)
@pytest.mark.parametrize("window", [-1, 3, 0, 20])
def test_attention_by_flash_attn(monkeypatch, window, dtype, bound):
    stand_ins.install_all(monkeypatch)
    stand_ins.as_cuda(monkeypatch)
    calls = count(monkeypatch, "flash_attn", "flash_attn_func")
    q, k, v = torch.randn(3, 2, 9, 2, 4, dtype=torch.float64)
    assert_matches(
        lambda *qkv: ops.causal_attention(*qkv, window),
        lambda *qkv: oracle.attention(*qkv, window),
        [q, k, v],
        dtype,
        bound,
    )
    assert len(calls) == 1
    ops.causal_attention(q.float(), k.float(), v.float(), window)
    assert len(calls) == 1  # flash-attn has no float32


def count(monkeypatch, module, name):
    """Make a list that grows by each call of a stand-in."""
    calls, function = [], getattr(sys.modules[module], name)

    def counted(*arguments, **named):
        calls.append(name)
        return function(*arguments, **named)

    monkeypatch.setattr(sys.modules[module], name, counted)
    return calls


def test_float64_never_leaves_torch(monkeypatch):
    stand_ins.as_cuda(monkeypatch)
    stand_ins.install(
        monkeypatch, "causal_conv1d", causal_conv1d_fn=lambda *a, **k: pytest.fail("called")
    )
    x = torch.randn(1, 5, 2, dtype=torch.float64)
    ops.causal_conv_silu(x, torch.ones(2, 4).double(), torch.zeros(2).double())


def test_the_compiled_library_has_a_name(monkeypatch):
    monkeypatch.setattr(library, "library", lambda: object())
    assert {ops.kernels("cpu")[name] for name in ("ssd", "conv", "norm")} == {"C++"}
    assert "C++" not in ops.kernels("cuda").values()


def test_names_of_kernels(monkeypatch):
    monkeypatch.setattr(library, "library", lambda: None)
    cpu = {
        "ssd": "torch",
        "conv": "torch",
        "attention": "torch sdpa",
        "ema": "torch",
        "norm": "torch",
        "linear": "torch",
    }
    monkeypatch.setattr(backend, "mkl_is_slow", lambda: False)
    stand_ins.install(monkeypatch, "flash_attn", flash_attn_func=lambda: None)
    monkeypatch.setitem(sys.modules, "mamba_ssm", None)
    monkeypatch.setitem(sys.modules, "causal_conv1d", None)
    assert ops.kernels("cpu") == cpu
    assert ops.kernels(torch.device("cuda", 1)) == {**cpu, "attention": "flash_attn"}
    monkeypatch.setattr(backend, "mkl_is_slow", lambda: True)
    assert ops.kernels("cpu") == {**cpu, "linear": "oneDNN"}
    assert ops.kernels("cuda")["linear"] == "torch"


def test_a_missing_package_is_silent(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert backend.packaged("ssd") is None


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import causal_conv1d_cuda", "No module named 'causal_conv1d_cuda'"),
        ("raise ImportError('libcudart.so.12: cannot open')", "libcudart"),
        ("raise RuntimeError('0 active drivers')", "0 active drivers"),
        ("pass", "causal_conv1d_fn"),
    ],
)
def test_a_broken_package_warns_once_with_the_reason(monkeypatch, tmp_path, source, reason):
    (tmp_path / "causal_conv1d.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "causal_conv1d", raising=False)
    with pytest.warns(RuntimeWarning, match=reason):
        assert backend.packaged("conv") is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert backend.packaged("conv") is None
    sys.modules.pop("causal_conv1d", None)


def test_importing_ops_imports_no_optional_package():
    code = (
        "import sys, genomenet.ops; "
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('mamba_ssm', 'causal_conv1d', 'flash_attn', 'triton')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
