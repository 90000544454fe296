"""The CUDA packages' functions in plain torch: the same signatures, the same refusals.

What they compute is what the packages' docstrings say, over all pairs or position by position, so
a wrong argument gives a wrong number. `tests/ops/test_packaged.py` holds the signatures against the
packages themselves, under `make test-kernels`.
"""

import math
import sys
import types
from itertools import pairwise

import torch
from torch.nn import functional as F

from genomenet.ops import backend, reference


def install(monkeypatch, module, **functions):
    """Put a stand-in package, with its parents, where imports find it."""
    parts = module.split(".")
    for i in range(1, len(parts) + 1):
        name = ".".join(parts[:i])
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    for name, function in functions.items():
        setattr(sys.modules[module], name, function)
    backend.packaged.cache_clear()


def install_all(monkeypatch):
    """All three packages."""
    install(
        monkeypatch,
        "mamba_ssm.ops.triton.ssd_combined",
        mamba_chunk_scan_combined=mamba_chunk_scan_combined,
    )
    install(monkeypatch, "mamba_ssm.ops.triton.layernorm_gated", rmsnorm_fn=rmsnorm_fn)
    install(monkeypatch, "causal_conv1d", causal_conv1d_fn=causal_conv1d_fn)
    install(
        monkeypatch,
        "flash_attn",
        flash_attn_func=flash_attn_func,
        flash_attn_varlen_func=flash_attn_varlen_func,
    )


def as_cuda(monkeypatch):
    """Let CPU tensors take the way of CUDA tensors."""
    monkeypatch.setattr(backend, "_is_cuda", lambda tensor: True)


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
    """mamba-ssm 2.3.2: x (b, l, h, p), dt (b, l, h), A (h), B and C (b, l, groups, n), D (h)."""
    batch, length, heads, _ = x.shape
    assert dt.shape == (batch, length, heads)
    assert A.shape == D.shape == (heads,)
    assert B.shape == C.shape
    assert B.shape[:3] == (batch, length, 1)
    assert chunk_size > 0
    unused = (z, dt_bias, initial_states, cu_seqlens, return_final_states)
    assert not any(one is not None and one is not False for one in unused)
    if seq_idx is not None:
        assert seq_idx.shape == (batch, length)
        assert seq_idx.dtype == torch.int32
        return torch.cat(
            [
                mamba_chunk_scan_combined(
                    x[:, some], dt[:, some], A, B[:, some], C[:, some], chunk_size, D
                )
                for some in runs(seq_idx)
            ],
            1,
        )
    if dt_softplus:
        dt = F.softplus(dt)
    dt = dt.clamp(*dt_limit)
    exact = (t.double() for t in (x, dt, A, B[:, :, 0], C[:, :, 0], D))
    return reference.ssd_scan(*exact).to(x.dtype)


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
    """causal-conv1d 1.7: x (b, c, l), weight (c, k), bias (c)."""
    assert not return_final_states
    assert initial_states is final_states_out is None
    check_conv_inputs(x, weight, bias, seq_idx)
    if seq_idx is not None:
        rest = {"activation": activation}
        parts = [causal_conv1d_fn(x[..., s], weight, bias, **rest) for s in runs(seq_idx)]
        return torch.cat(parts, 2)
    taps = weight.shape[1]
    padded = F.pad(x.double(), (taps - 1, 0))
    y = F.conv1d(padded, weight.double().unsqueeze(1), bias.double(), groups=len(weight))
    return (y if activation is None else F.silu(y)).to(x.dtype)


def runs(seq_idx):
    """Slices of the positions of each sequence of the one row."""
    assert len(seq_idx) == 1
    _, counts = seq_idx[0].unique_consecutive(return_counts=True)
    ends = counts.cumsum(0).tolist()
    return [slice(a, b) for a, b in pairwise([0, *ends])]


def check_conv_inputs(x, weight, bias, seq_idx=None):
    """What causal-conv1d 1.7 checks before it launches its kernel."""
    if seq_idx is not None:
        assert x.stride(1) == 1, "sequences need the channels last"
        assert seq_idx.dtype == torch.int32
        assert seq_idx.is_contiguous()
        assert seq_idx.shape == (x.shape[0], x.shape[2])
    assert x.stride(2) == 1 or x.stride(1) == 1
    if x.stride(1) == 1 and x.stride(2) > 1:  # channels last
        assert x.shape[1] % 8 == 0
        assert x.stride(0) % 8 == 0, "the kernel refuses other strides"
        assert x.stride(2) % 8 == 0, "the kernel refuses other strides"
    assert 2 <= weight.shape[1] <= 4
    assert weight.shape[0] == x.shape[1]
    assert bias.dtype == weight.dtype
    assert bias.shape == (x.shape[1],)
    assert bias.stride(-1) == 1


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
    """flash-attn 2.8: q, k, v (b, l, h, p); query i sees keys i - left to i + right."""
    assert q.dtype in (torch.float16, torch.bfloat16)
    assert q.dtype == k.dtype == v.dtype
    assert q.shape[-1] <= 256
    assert q.stride(-1) == k.stride(-1) == v.stride(-1) == 1
    assert dropout_p == softcap == 0.0
    assert alibi_slopes is None
    assert not return_attn_probs
    left, right = window_size
    ahead = torch.arange(k.shape[1]) - torch.arange(q.shape[1])[:, None]
    hidden = torch.zeros_like(ahead, dtype=torch.bool)
    if causal:
        hidden |= ahead > 0
    if left >= 0:
        hidden |= ahead < -left
    if right >= 0:
        hidden |= ahead > right
    scale = softmax_scale or 1 / math.sqrt(q.shape[-1])
    score = torch.einsum("bihp,bjhp->bhij", q.double(), k.double()) * scale
    weight = score.masked_fill(hidden, -math.inf).softmax(-1)
    return torch.einsum("bhij,bjhp->bihp", weight, v.double()).to(q.dtype)


def flash_attn_varlen_func(
    q,
    k,
    v,
    cu_seqlens_q,
    cu_seqlens_k,
    max_seqlen_q,
    max_seqlen_k,
    dropout_p=0.0,
    softmax_scale=None,
    causal=False,
    window_size=(-1, -1),
    softcap=0.0,
    alibi_slopes=None,
    deterministic=False,
    return_attn_probs=False,
    block_table=None,
):
    """flash-attn 2.8: q, k, v (m, h, p); sequence i is from cu_seqlens[i] to cu_seqlens[i + 1]."""
    assert block_table is None
    assert cu_seqlens_q.dtype == cu_seqlens_k.dtype == torch.int32
    assert cu_seqlens_q.is_contiguous()
    assert torch.equal(cu_seqlens_q, cu_seqlens_k)
    ends = cu_seqlens_q.tolist()
    assert (ends[0], ends[-1]) == (0, len(q))
    lengths = [b - a for a, b in pairwise(ends)]
    assert max_seqlen_q == max_seqlen_k == max(lengths)
    rest = (dropout_p, softmax_scale, causal, window_size, softcap, alibi_slopes, deterministic)
    parts = [
        flash_attn_func(*(t[None, a:b] for t in (q, k, v)), *rest, return_attn_probs)[0]
        for a, b in pairwise(ends)
    ]
    return torch.cat(parts)


def rmsnorm_fn(x, weight, bias, z=None, eps=1e-6, group_size=None, norm_before_gate=True):
    """mamba-ssm 2.3.2: x and z (..., d), weight (d)."""
    assert bias is group_size is None
    assert x.shape[-1:] == weight.shape
    assert z is None or (z.shape == x.shape and z.stride(-1) == 1)
    exact = x.double()
    if z is not None and not norm_before_gate:
        exact = exact * F.silu(z.double())
    y = exact * (exact.square().mean(-1, keepdim=True) + eps).rsqrt() * weight.double()
    if z is not None and norm_before_gate:
        y = y * F.silu(z.double())
    return y.to(x.dtype)
