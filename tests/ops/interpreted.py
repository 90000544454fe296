"""The real mamba-ssm, causal-conv1d and flash-attn without a GPU, for tests marked `kernels`.

mamba-ssm's scan is written in Triton, whose interpreter runs kernels on a CPU, as they are. The
kernels of the other two are compiled CUDA: their Python side is the packages' own here, and below
it stands plain torch that makes the same checks.
"""

import contextlib
import importlib
import importlib.util
import math
import os
import sys
import types
from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from genomenet.ops import backend
from tests.ops.stand_ins import as_cuda, check_conv_inputs

HOW = "run `make test-kernels`, which installs the packages and sets the environment"


def install_interpreted(monkeypatch):
    """Let CPU tensors go to the real packages."""
    assert os.environ.get("TRITON_INTERPRET") == "1", f"TRITON_INTERPRET is not 1; {HOW}"
    assert os.environ.get("MAMBA_DETERMINISTIC") == "1", f"MAMBA_DETERMINISTIC is not 1; {HOW}"
    # Triton's launcher asks for the device of its tensors, mamba-ssm for the number of processors.
    monkeypatch.setattr(torch.cuda, "device", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(
        torch.cuda,
        "get_device_properties",
        lambda *_: types.SimpleNamespace(multi_processor_count=1, major=8, minor=0),
    )
    if "causal_conv1d_cuda" not in sys.modules:
        _import_packages()
    backend.packaged.cache_clear()
    as_cuda(monkeypatch)


def _import_packages():
    """Once a process: operators of torch can't be registered twice."""
    for name in ("mamba_ssm", "causal_conv1d", "flash_attn", "triton"):
        assert importlib.util.find_spec(name), f"{name} is not installed; {HOW}"
    compiled = types.ModuleType("causal_conv1d_cuda")
    compiled.causal_conv1d_fwd = _convolve
    compiled.causal_conv1d_bwd = _convolve_backward
    compiled.causal_conv1d_update = lambda *_: pytest.fail("genomenet steps in torch")
    sys.modules["causal_conv1d_cuda"] = compiled
    # Its __init__.py imports Mamba-1, whose scan is compiled CUDA; the Triton files need none.
    package = types.ModuleType("mamba_ssm")
    package.__path__ = list(importlib.util.find_spec("mamba_ssm").submodule_search_locations)
    sys.modules["mamba_ssm"] = package
    sys.modules["flash_attn_2_cuda"] = types.ModuleType("flash_attn_2_cuda")
    flash = importlib.import_module("flash_attn.flash_attn_interface")
    flash._flash_attn_forward.register_kernel("cpu")(_attend)
    flash._flash_attn_backward.register_kernel("cpu")(_attend_backward)
    flash._flash_attn_varlen_forward.register_kernel("cpu")(_attend_packed)
    flash._flash_attn_varlen_backward.register_kernel("cpu")(_attend_packed_backward)


def _convolve(x, weight, bias, seq_idx, initial_states, out, final_states_out, silu):
    assert initial_states is final_states_out is None
    check_conv_inputs(x, weight, bias, seq_idx)
    before = _before_silu(x, weight, bias, seq_idx)
    out.copy_(F.silu(before) if silu else before)


def _convolve_backward(
    x, weight, bias, dout, seq_idx, initial_states, dfinal, dx, dweight, dbias, dinitial, silu
):
    """By hand, since autograd is off inside an operator."""
    assert initial_states is dfinal is None
    check_conv_inputs(x, weight, bias, seq_idx)
    if x.stride(1) == 1 and x.stride(2) > 1 and dout.stride(1) == 1:
        assert dout.stride(0) % 8 == 0, "the kernel refuses other strides"
        assert dout.stride(2) % 8 == 0, "the kernel refuses other strides"
    before, grad = _before_silu(x, weight, bias, seq_idx), dout.float()
    if silu:
        gate = torch.sigmoid(before)
        grad = grad * gate * (1 + before * (1 - gate))
    taps, length = weight.shape[1], x.shape[2]
    inflow = torch.zeros(x.shape)
    for back in range(min(taps, length)):
        tap = weight[:, taps - 1 - back].float()
        own = grad[..., back:] * _same(seq_idx, back)
        inflow[..., : length - back] += own * tap[:, None]
        part = own * x[..., : length - back].float()
        dweight[:, taps - 1 - back] = part.sum((0, 2))
    dx.copy_(inflow)
    dbias.copy_(grad.sum((0, 2)))


def _before_silu(x, weight, bias, seq_idx):
    taps, length = weight.shape[1], x.shape[2]
    before = bias.float()[:, None].expand(x.shape).clone()
    for back in range(min(taps, length)):
        seen = x[..., : length - back].float() * _same(seq_idx, back)
        before[..., back:] += seen * weight[:, taps - 1 - back, None].float()
    return before


def _same(seq_idx, back):
    """1 at each position from `back` on that sees so far back in its sequence, as (b, 1, l)."""
    if seq_idx is None:
        return 1.0
    return (seq_idx[:, back:] == seq_idx[:, : seq_idx.shape[1] - back]).float()[:, None]


def _attend(
    q, k, v, dropout_p, softmax_scale, causal, left, right, softcap, alibi_slopes, return_softmax
):
    """Output, and what flash-attn keeps for its backward; the last two belong to dropout."""
    assert dropout_p == softcap == 0
    assert alibi_slopes is None
    assert not return_softmax
    assert q.shape[-1] % 8 == 0
    score = _scores(q, k, softmax_scale, causal, left, right)
    out = torch.einsum("bhij,bjhp->bihp", score.softmax(-1), v.float()).to(q.dtype).contiguous()
    unused = torch.empty(0), torch.empty(2, dtype=torch.int64)
    return out, score.logsumexp(-1), *unused


def _attend_backward(
    dout, q, k, v, out, lse, dq, dk, dv, dropout_p, softmax_scale, causal, left, right, softcap,
    alibi_slopes, deterministic, rng_state=None,
):  # fmt: skip
    p = torch.exp(_scores(q, k, softmax_scale, causal, left, right) - lse[..., None])
    own = (dout.float() * out.float()).sum(-1).transpose(1, 2)
    dp = torch.einsum("bihp,bjhp->bhij", dout.float(), v.float())
    ds = p * (dp - own[..., None]) * softmax_scale
    dq.copy_(torch.einsum("bhij,bjhp->bihp", ds, k.float()))
    dk.copy_(torch.einsum("bhij,bihp->bjhp", ds, q.float()))
    dv.copy_(torch.einsum("bhij,bihp->bjhp", p, dout.float()))
    return own.contiguous()


def _attend_packed(
    q, k, v, starts, starts_k, longest, longest_k, dropout_p, softmax_scale, causal, left=-1,
    right=-1, softcap=0.0, alibi_slopes=None, return_softmax=False, block_table=None,
    leftpad_k=None, seqused_k=None, zero_tensors=False,
):  # fmt: skip
    """Sequence by sequence; sums of the softmax are (h, m) here."""
    assert block_table is leftpad_k is seqused_k is None
    assert starts.dtype == starts_k.dtype == torch.int32
    assert torch.equal(starts, starts_k)
    assert longest == longest_k == int(starts.diff().max())
    rest = (dropout_p, softmax_scale, causal, left, right, softcap, alibi_slopes, return_softmax)
    parts = [
        _attend(*(t[a:b].unsqueeze(0) for t in (q, k, v)), *rest)
        for a, b in pairwise(starts.tolist())
    ]
    out = torch.cat([part[0][0] for part in parts])
    return out, torch.cat([part[1][0] for part in parts], 1), *parts[0][2:]


def _attend_packed_backward(
    dout, q, k, v, out, lse, dq, dk, dv, starts, starts_k, longest, longest_k, dropout_p,
    softmax_scale, causal, left, right, softcap, alibi_slopes, deterministic, rng_state=None,
    zero_tensors=False,
):  # fmt: skip
    rest = (dropout_p, softmax_scale, causal, left, right, softcap, alibi_slopes, deterministic)
    own = []
    for a, b in pairwise(starts.tolist()):
        given = [t[a:b].unsqueeze(0) for t in (dout, q, k, v, out)]
        into = [t[a:b].unsqueeze(0) for t in (dq, dk, dv)]
        own.append(_attend_backward(*given, lse[None, :, a:b], *into, *rest)[0])
    return torch.cat(own, 1)


def _scores(q, k, scale, causal, left, right):
    """Scaled products (b, h, i, j); -inf where key j is not seen by query i."""
    ahead = torch.arange(k.shape[1]) - torch.arange(q.shape[1])[:, None]
    right = 0 if causal else right
    hidden = (ahead > right) & (right >= 0) | (ahead < -left) & (left >= 0)
    score = torch.einsum("bihp,bjhp->bhij", q.float(), k.float()) * scale
    return score.masked_fill(hidden, -math.inf)
