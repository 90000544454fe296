"""The choice of kernels, with stand-ins that have the real packages' signatures."""

import subprocess
import sys
import types
import warnings

import pytest
import torch
from torch.nn import functional as F

from genomenet import ops
from genomenet.ops import backend


@pytest.fixture(autouse=True)
def forget_imports():
    backend.packaged.cache_clear()
    yield
    backend.packaged.cache_clear()


def install(monkeypatch, module, **functions):
    """Put a stand-in package, with its parents, where imports find it."""
    parts = module.split(".")
    for i in range(1, len(parts) + 1):
        name = ".".join(parts[:i])
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    for name, function in functions.items():
        setattr(sys.modules[module], name, function)


def as_cuda(monkeypatch):
    """Let CPU tensors take the way of CUDA tensors."""
    monkeypatch.setattr(backend, "_is_cuda", lambda tensor: True)


def test_ssd_by_mamba_ssm(monkeypatch):
    x, dt, A = torch.randn(2, 7, 3, 4), torch.rand(2, 7, 3), -torch.rand(3)
    B, C, D = torch.randn(2, 7, 5), torch.randn(2, 7, 5), torch.randn(3)
    expected = ops.ssd_scan(x, dt, A, B, C, D)
    seen = {}

    def mamba_chunk_scan_combined(
        x,
        dt,
        A,
        B,
        C,
        chunk_size,
        D=None,
        z=None,
        dt_bias=None,
        initial_states=None,
        seq_idx=None,
        cu_seqlens=None,
        dt_softplus=False,
        dt_limit=(0.0, float("inf")),
        return_final_states=False,
        return_varlen_states=False,
    ):
        seen.update(B=B.shape, C=C.shape, chunk=chunk_size, softplus=dt_softplus, bias=dt_bias)
        return ops.ssd_blocks.SSDScan.apply(x, dt, A, B[:, :, 0], C[:, :, 0], D, 4, x.dtype)

    install(
        monkeypatch,
        "mamba_ssm.ops.triton.ssd_combined",
        mamba_chunk_scan_combined=mamba_chunk_scan_combined,
    )
    as_cuda(monkeypatch)
    torch.testing.assert_close(ops.ssd_scan(x, dt, A, B, C, D), expected)
    assert seen == {
        "B": (2, 7, 1, 5),
        "C": (2, 7, 1, 5),
        "chunk": 256,
        "softplus": False,
        "bias": None,
    }


def test_conv_by_causal_conv1d(monkeypatch):
    x = torch.randn(2, 9, 13)[..., 2:10]  # a slice, as of a projection of 13 channels
    weight, bias = torch.randn(8, 4), torch.randn(8)
    expected = ops.causal_conv_silu(x, weight, bias)

    def causal_conv1d_fn(
        x,
        weight,
        bias=None,
        seq_idx=None,
        initial_states=None,
        return_final_states=False,
        final_states_out=None,
        activation=None,
    ):
        assert x.shape == (2, 8, 9)
        assert x.stride(1) == 1
        assert x.stride(2) % 8 == 0, "the kernel refuses other strides"
        assert weight.shape == (8, 4)
        assert activation == "silu"
        return F.silu(F.conv1d(F.pad(x, (3, 0)), weight.unsqueeze(1), bias, groups=8))

    install(monkeypatch, "causal_conv1d", causal_conv1d_fn=causal_conv1d_fn)
    as_cuda(monkeypatch)
    torch.testing.assert_close(ops.causal_conv_silu(x, weight, bias), expected)


@pytest.mark.parametrize(("window", "sides"), [(-1, (-1, -1)), (3, (3, 0)), (0, (0, 0))])
def test_attention_by_flash_attn(monkeypatch, window, sides):
    q, k, v = torch.randn(3, 2, 9, 2, 4).bfloat16()
    expected = ops.causal_attention(q, k, v, window)
    seen = []

    def flash_attn_func(
        q,
        k,
        v,
        dropout_p=0.0,
        softmax_scale=None,
        causal=False,
        window_size=(-1, -1),
        softcap=0.0,
        alibi_slopes=None,
        deterministic=False,
        return_attn_probs=False,
    ):
        seen.append((causal, window_size, softmax_scale, dropout_p))
        return expected

    install(monkeypatch, "flash_attn", flash_attn_func=flash_attn_func)
    as_cuda(monkeypatch)
    assert ops.causal_attention(q, k, v, window) is expected
    assert seen == [(True, sides, None, 0.0)]
    ops.causal_attention(q.float(), k.float(), v.float(), window)
    assert len(seen) == 1  # flash-attn has no float32


def test_float64_never_leaves_torch(monkeypatch):
    as_cuda(monkeypatch)
    install(monkeypatch, "causal_conv1d", causal_conv1d_fn=lambda *a, **k: pytest.fail("called"))
    x = torch.randn(1, 5, 2, dtype=torch.float64)
    ops.causal_conv_silu(x, torch.ones(2, 4).double(), torch.zeros(2).double())


def test_names_of_kernels(monkeypatch):
    cpu = {
        "ssd": "torch",
        "conv": "torch",
        "attention": "torch sdpa",
        "ema": "torch",
        "norm": "torch",
    }
    install(monkeypatch, "flash_attn", flash_attn_func=lambda: None)
    monkeypatch.setitem(sys.modules, "mamba_ssm", None)
    monkeypatch.setitem(sys.modules, "causal_conv1d", None)
    assert ops.kernels("cpu") == cpu
    assert ops.kernels(torch.device("cuda", 1)) == {**cpu, "attention": "flash_attn"}


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
