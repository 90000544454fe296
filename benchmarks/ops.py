"""Compare the CPU ops with their plain torch forms: one process, one thread, interleaved."""

import argparse
from collections.abc import Callable
from unittest import mock

import torch
from _record import conditions, report
from _tables import rows_of
from _timing import Case, interleaved, use_threads
from torch import Tensor
from torch.nn import functional as F

from genomenet import ops
from genomenet.ops.linear import linear
from genomenet.ops.native import library
from genomenet.ops.rope import rotated_qkv
from genomenet.ops.swiglu import swiglu


def step(function: Callable[..., Tensor], inputs: list[Tensor], dtype=torch.float32) -> Case:
    """Forward and backward of `function`, with a fixed gradient."""
    leaves = [t.to(dtype).detach().requires_grad_() for t in inputs]
    dy = torch.randn_like(function(*leaves))
    return lambda: torch.autograd.grad(function(*leaves), leaves, dy)


def without_library(case: Case) -> Case:
    """The same by torch alone, with the backward pass written by hand."""

    def run() -> object:
        with mock.patch.object(library, "library", return_value=None):
            return case()

    return run


def ssd_einsum(x, dt, A, B, C, D, block=64):
    """The published listing: chunked einsums under autograd."""
    b, length, h, p = x.shape
    X, Bs, Cs = (t.unflatten(1, (-1, block)) for t in (x * dt[..., None], B, C))
    a = (dt * A).unflatten(1, (-1, block)).permute(0, 3, 1, 2).cumsum(-1)
    future = torch.ones(block, block, dtype=torch.bool).triu(1)
    pairs = (a[..., :, None] - a[..., None, :]).masked_fill(future, float("-inf")).exp()
    y = torch.einsum("bcln,bcsn,bhcls,bcshp->bclhp", Cs, Bs, pairs, X)
    new = torch.einsum("bcln,bhcl,bclhp->bchpn", Bs, (a[..., -1:] - a).exp(), X)
    state, before = torch.zeros_like(new[:, 0]), []
    for chunk, kept in zip(new.unbind(1), a[..., -1].exp().unbind(2), strict=True):
        before.append(state)
        state = state * kept[..., None, None] + chunk
    y = y + torch.einsum("bcln,bchpn,bhcl->bclhp", Cs, torch.stack(before, 1), a.exp())
    return y.reshape(b, length, h, p) + x * D[:, None]


def ssd_loop(x, dt, A, B, C, D):
    """One position at a time."""
    state, y = 0, []
    for t in range(x.shape[1]):
        kept = torch.exp(dt[:, t] * A)[..., None, None]
        new = (dt[:, t, :, None] * x[:, t])[..., None] * B[:, t, None, None]
        state = state * kept + new
        y.append((state * C[:, t, None, None]).sum(-1) + D[:, None] * x[:, t])
    return torch.stack(y, 1)


def ssd_inputs(batch, length, heads, width, state):
    dt = torch.exp(torch.empty(batch, length, heads).uniform_(-6.9, -2.3))
    A = -torch.empty(heads).uniform_(1, 16)
    B, C = torch.randn(2, batch, length, state)
    return [torch.randn(batch, length, heads, width), dt, A, B, C, torch.ones(heads)]


def conv_module(x, weight, bias):
    """What nn.Conv1d needs: channels first, trimmed to be causal."""
    taps, length = weight.shape[1], x.shape[1]
    y = F.conv1d(x.mT, weight[:, None], bias, padding=taps - 1, groups=len(weight))
    return F.silu(y[..., :length]).mT


def ema_loop(z, p):
    """One position at a time under autograd."""
    y, out = torch.zeros_like(z[:, 0]), []
    for z_s, p_s in zip(z.unbind(1), p[..., None].unbind(1), strict=True):
        y = torch.lerp(y, z_s, p_s)
        out.append(y)
    return torch.stack(out, 1)


def masked_attention(window):
    """SDPA with a dense L x L mask."""

    def attend(q, k, v):
        ahead = torch.arange(q.shape[1])[:, None] - torch.arange(q.shape[1])
        seen = (ahead >= 0) & (ahead <= window)
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))
        return F.scaled_dot_product_attention(q, k, v, attn_mask=seen).transpose(1, 2)

    return attend


def pooling_autograd(chunk_BL):
    """Softmax over runs of positions, each step of it under autograd."""

    def attend(q, k, v):
        batch, chunks = q.shape[:2]
        segment = (chunk_BL + chunks * torch.arange(batch)[:, None]).flatten()
        q, k, v = (t.flatten(0, 1) for t in (q, k, v))
        score = (q.index_select(0, segment) * k[:, None]).sum(-1) * q.shape[-1] ** -0.5
        index = segment[:, None, None].expand_as(score)
        largest = torch.zeros_like(q[..., 0]).scatter_reduce(
            0, index, score.detach(), "amax", include_self=False
        )
        weight = torch.exp(score - largest.index_select(0, segment))
        total = torch.zeros_like(q[..., 0]).index_add(0, segment, weight)
        y = torch.zeros_like(q).index_add(0, segment, weight[..., None] * v[:, None])
        return (y / total[..., None]).unflatten(0, (batch, chunks))

    return attend


def pooling_masked(chunk_BL):
    """SDPA with a dense mask of queries x positions."""

    def attend(q, k, v):
        _, chunks, slots = q.shape[:3]
        seen = (torch.arange(chunks)[:, None] == chunk_BL[:, None]).repeat_interleave(slots, 1)
        q, k, v = (t.transpose(1, 2) for t in (q.flatten(1, 2), k, v))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=seen[:, None])
        return y.transpose(1, 2).unflatten(1, (chunks, slots))

    return attend


def reading_autograd(chunk_BL):
    """The slots of every position's chunk, and a softmax over them under autograd."""

    def attend(q, k, v):
        segment = (chunk_BL + k.shape[1] * torch.arange(len(q))[:, None]).flatten()
        k, v = (t.flatten(0, 1).index_select(0, segment).unflatten(0, q.shape[:2]) for t in (k, v))
        weight = torch.softmax((q[:, :, None] * k).sum(-1) * q.shape[-1] ** -0.5, 2)
        return (weight[..., None] * v).sum(2)

    return attend


def reading_masked(chunk_BL):
    """SDPA with a dense mask of positions x slots."""

    def attend(q, k, v):
        _, chunks, slots = k.shape[:3]
        seen = (chunk_BL[:, :, None] == torch.arange(chunks)).repeat_interleave(slots, 2)
        q, k, v = (t.transpose(1, 2) for t in (q, k.flatten(1, 2), v.flatten(1, 2)))
        return F.scaled_dot_product_attention(q, k, v, attn_mask=seen[:, None]).transpose(1, 2)

    return attend


def segment_comparisons() -> list[tuple[str, int, dict[str, Case]]]:
    """BLT's cross-attention in both directions, with chunks of random length."""
    length, chunks, slots, heads, width = 8192, 2048, 2, 4, 32
    starts_L = torch.zeros(length, dtype=torch.int64)
    starts_L[torch.randperm(length - 1)[: chunks - 1] + 1] = 1
    chunk_BL = starts_L.cumsum(0)[None]
    many = torch.randn(3, 1, chunks, slots, heads, width)
    every = torch.randn(3, 1, length, heads, width)
    title = f"(1, {length}, {heads}, {width}), {chunks} chunks of {slots} slots"

    def ours(function):
        return lambda q, k, v: function(q, k, v, chunk_BL)

    pooling, reading = [many[0], *every[1:]], [every[0], *many[1:]]
    return [
        (
            f"pooling {title}",
            length,
            {
                "segment_attention": step(ours(ops.segment_attention), pooling),
                "autograd": step(pooling_autograd(chunk_BL), pooling),
                "dense mask": step(pooling_masked(chunk_BL), pooling),
            },
        ),
        (
            f"reading {title}",
            length,
            {
                "slot_attention": step(ours(ops.slot_attention), reading),
                "autograd": step(reading_autograd(chunk_BL), reading),
                "dense mask": step(reading_masked(chunk_BL), reading),
            },
        ),
    ]


def comparisons() -> list[tuple[str, int, dict[str, Case]]]:
    """Title, tokens per call, and the forms of every op, ours first."""
    out: list[tuple[str, int, dict[str, Case]]] = []
    for shape in ((4, 1024, 4, 64, 64), (4, 1024, 4, 32, 16), (4, 1024, 4, 64, 128)):
        inputs = ssd_inputs(*shape)

        def bf16(*t):
            return ops.ssd_scan(*t, matmul_dtype=torch.bfloat16)

        cases = {
            "ssd_scan": step(ops.ssd_scan, inputs),
            "ssd_scan without C++": without_library(step(ops.ssd_scan, inputs)),
            "ssd_scan, bf16 products": step(bf16, inputs),
            "einsum autograd": step(ssd_einsum, inputs),
        }
        out.append((f"ssd B,L,H,P,N = {shape}", shape[0] * shape[1], cases))
    short = ssd_inputs(4, 128, 4, 64, 64)
    cases = {"ssd_scan": step(ops.ssd_scan, short), "loop": step(ssd_loop, short)}
    out.append(("ssd B,L,H,P,N = (4, 128, 4, 64, 64)", 512, cases))

    inputs = [torch.randn(4, 1024, 384), torch.randn(384, 4), torch.randn(384)]
    cases = {
        "causal_conv_silu": step(ops.causal_conv_silu, inputs),
        "without C++": without_library(step(ops.causal_conv_silu, inputs)),
        "Conv1d + silu": step(conv_module, inputs),
    }
    out.append(("conv (4, 1024, 384), 4 taps", 4096, cases))

    def plain(x, w):
        return F.rms_norm(x, w.shape, w, 1e-5)

    inputs = [torch.randn(4, 1024, 128), torch.ones(128)]
    cases = {
        "rms_norm": step(ops.rms_norm, inputs),
        "without C++": without_library(step(ops.rms_norm, inputs)),
        "F.rms_norm": step(plain, inputs),
    }
    out.append(("rms_norm (4, 1024, 128)", 4096, cases))
    inputs = [*torch.randn(2, 4, 1024, 256), torch.ones(256)]
    cases = {
        "gated_rms_norm": step(ops.gated_rms_norm, inputs),
        "without C++": without_library(step(ops.gated_rms_norm, inputs)),
        "F.rms_norm(y * silu(z))": step(lambda y, z, w: plain(y * F.silu(z), w), inputs),
    }
    out.append(("gated_rms_norm (4, 1024, 256)", 4096, cases))

    for wide, out_width in ((256, 1096), (512, 256)):
        inputs = [torch.randn(4096, wide), torch.randn(out_width, wide)]
        cases = {"linear": step(linear, inputs), "F.linear": step(F.linear, inputs)}
        out.append((f"linear (4096, {wide}), to {out_width}", 4096, cases))

    inputs = [torch.randn(4, 1024, 704)]
    cases = {
        "swiglu": step(swiglu, inputs),
        "silu(gate) * up": without_library(step(swiglu, inputs)),
    }
    out.append(("swiglu (4, 1024, 2 x 352)", 4096, cases))
    inputs = [torch.randn(4, 1024, 3, 4, 32)]

    def rotated(qkv):
        return torch.cat([part.flatten() for part in rotated_qkv(qkv, 32)])

    cases = {
        "rotated_qkv": step(rotated, inputs),
        "without C++": without_library(step(rotated, inputs)),
    }
    out.append(("rotary positions (4, 1024, 3, 4, 32)", 4096, cases))

    inputs = [torch.randn(4, 341, 128), torch.rand(4, 341)]
    cases = {"ema_scan": step(ops.ema_scan, inputs), "autograd loop": step(ema_loop, inputs)}
    out.append(("ema (4, 341, 128)", 4 * 341, cases))

    inputs = list(torch.randn(3, 4, 1024, 4, 64))
    halves = [t.bfloat16() for t in inputs]
    cases = {
        "causal_attention": step(ops.causal_attention, inputs),
        "SDPA": without_library(step(ops.causal_attention, inputs)),
        "causal_attention, bfloat16": step(ops.causal_attention, halves, torch.bfloat16),
        "SDPA, bfloat16": without_library(step(ops.causal_attention, halves, torch.bfloat16)),
    }
    out.append(("attention (4, 1024, 4, 64)", 4096, cases))
    for length, window in ((2048, 255), (4096, 1023)):
        inputs = list(torch.randn(3, 1, length, 4, 64))

        def windowed(q, k, v, w=window):
            return ops.causal_attention(q, k, v, w)

        cases = {
            "causal_attention": step(windowed, inputs),
            "without C++": without_library(step(windowed, inputs)),
            "dense mask": step(masked_attention(window), inputs),
            "global causal": step(ops.causal_attention, inputs),
        }
        out.append((f"attention (1, {length}, 4, 64), window {window}", length, cases))
    out += segment_comparisons()
    return out


def table(repeats: int, precisions: list[str]) -> str:
    """Markdown, one row per op, form and precision of float32 products."""
    rows = ["| op | precision | form | tokens/s | ours is |", "|---|---|---|---:|---:|"]
    for precision in precisions:
        torch.set_float32_matmul_precision(precision)
        for title, tokens, cases in comparisons():
            seconds = {name: t.median for name, t in interleaved(cases, repeats).items()}
            ours = next(iter(seconds.values()))
            for name, value in seconds.items():
                ratio = f"x{value / ours:.2f}"
                rows.append(f"| {title} | {precision} | {name} | {tokens / value:,.0f} | {ratio} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--precision", nargs="+", default=["highest", "medium"])
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/ops.md")
    arguments = parser.parse_args()
    use_threads(1)
    torch.manual_seed(0)
    text = (
        f"# CPU ops\n\n{conditions(__file__)} Forward and backward, median of "
        f"{arguments.repeats} interleaved repeats, process CPU time. Precision: "
        "`torch.set_float32_matmul_precision`.\n\n"
        f"{table(arguments.repeats, arguments.precision)}\n"
    )
    report(__file__, text, arguments.save, rows_of(text))


if __name__ == "__main__":
    main()
