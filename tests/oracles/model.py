"""The whole language model once more: one sequence, float64, written from the formulas."""

from collections.abc import Callable

import torch
from torch import Tensor

from genomenet.models.config import ModelConfig
from genomenet.nn.stage import StageConfig
from tests.oracles import blt, ops
from tests.oracles.boundaries import Bases, decide

Weights = dict[str, Tensor]


class _StraightThrough(torch.autograd.Function):
    """One forwards, the gradient as it is backwards (the paper's STE)."""

    @staticmethod
    def forward(ctx, c):
        return torch.ones_like(c)

    @staticmethod
    def backward(ctx, g):
        return g


def language_model(
    weights: Weights,
    config: ModelConfig,
    tokens: list[int],
    masked: list[bool] | None = None,
    scores: list[float] | None = None,
) -> tuple[Tensor, list[Tensor], list[list[bool]]]:
    """Logits (L, V), and per stage boundary probabilities and boundaries."""
    x = torch.stack([weights["embeddings.weight"][token] for token in tokens])
    if config.ngrams:
        x = x + blt.ngrams(weights["ngrams.weight"], config, tokens)
    bases = Bases(tokens, masked, scores)
    x, probabilities, boundaries = network(weights, config, "backbone.", 0, x, bases)
    return x @ weights["lm_head.weight"].T, probabilities, boundaries


def network(
    weights: Weights, config: ModelConfig, prefix: str, stage: int, x: Tensor, bases: Bases | None
):
    """One stage and all inside it, on vectors (L, D); within, there are no bases."""
    layout, numbers = config.networks(), config.stage(stage)
    outer = x.shape[1]
    if numbers.d_model > outer:
        pad = weights[f"{prefix}pad_dimension"]
        x = torch.stack([torch.cat([row, pad]) for row in x])
    if stage == layout.stages:
        closing = config.inner_norms or stage == 0
        x = stack(weights, f"{prefix}main_network.", layout.main, numbers, x, closing)
        return x[:, :outer], [], []
    x = stack(weights, f"{prefix}encoder.", layout.encoders[stage], numbers, x, config.inner_norms)
    p, boundary = decide(weights, config, prefix, stage, x, bases)
    starts = [t for t, is_start in enumerate(boundary) if is_start]
    if config.pool_of(stage) == "cross_attention":
        chunks = blt.pool(weights, config, prefix, stage, x, boundary)
    else:
        chunks = torch.stack([x[t] for t in starts])
    inner, probabilities, boundaries = network(
        weights, config, f"{prefix}main_network.", stage + 1, chunks, None
    )
    closing = config.inner_norms or stage == 0
    if config.pool_of(stage) == "cross_attention":
        slots = blt.project_slots(weights, config, prefix, inner)
        sure = confidences(config, p, boundary)

        def read(layer, x):
            return blt.read(weights, config, f"{prefix}readings.{layer}.", x, slots, boundary, sure)

        x = stack(weights, f"{prefix}decoder.", layout.decoders[stage], numbers, x, closing, read)
        return x[:, :outer], [p, *probabilities], [boundary, *boundaries]
    rows = unpool(weights, config, prefix, x, inner, p, boundary)
    x = stack(weights, f"{prefix}decoder.", layout.decoders[stage], numbers, rows, closing)
    return x[:, :outer], [p, *probabilities], [boundary, *boundaries]


def unpool(weights, config, prefix, x, inner, p, boundary) -> Tensor:
    """What the decoder reads at every position."""
    starts = [t for t, is_start in enumerate(boundary) if is_start]
    if config.unpool == "boundary":
        rows = list(x)
        for start, vector in zip(starts, inner, strict=True):
            rows[start] = rows[start] + vector
        return torch.stack(rows)
    residual = (
        x @ weights[f"{prefix}residual_proj.weight"].T + weights[f"{prefix}residual_proj.bias"]
    )
    spread = []
    memory = torch.zeros(x.shape[1], dtype=torch.float64)
    for start, vector in zip(starts, inner, strict=True):
        gate = p[start].clamp(1e-4, 1 - 1e-4)
        memory = gate * vector + (1 - gate) * memory
        spread.append(memory if config.unpool == "smooth" else vector)
    rows, chunk = [], -1
    sure = confidences(config, p, boundary)
    for t, is_start in enumerate(boundary):
        chunk += is_start
        rows.append(spread[chunk] * sure[t] + residual[t])
    return torch.stack(rows)


def confidences(config, p, boundary) -> list[Tensor]:
    """How sure every decision was; one, but for the gradient, where that is asked for."""
    sure = [p[t] if is_start else 1 - p[t] for t, is_start in enumerate(boundary)]
    return [_StraightThrough.apply(c) for c in sure] if config.straight_through else sure


def stack(
    weights: Weights,
    prefix: str,
    letters: str,
    numbers: StageConfig,
    x: Tensor,
    closing_norm: bool = True,
    before: Callable[[int, Tensor], Tensor] = lambda i, x: x,
) -> Tensor:
    """Pre-norm layers, with what comes before each, and the closing norm."""
    for i, letter in enumerate(letters):
        x = before(i, x)
        layer = f"{prefix}layers.{i}."
        mixer = attention if letter in "tTE" else mamba2
        h = ops.rms_norm(x, weights[f"{layer}norm1.weight"])
        x = x + mixer(weights, f"{layer}mixer.", numbers, h)
        if letter.isupper():
            h = ops.rms_norm(x, weights[f"{layer}norm2.weight"])
            if letter == "E":
                x = x + mixture(weights, f"{layer}mlp.", numbers.experts_per_position, h)
            else:
                x = x + swiglu(weights, f"{layer}mlp.", h)
    return ops.rms_norm(x, weights[f"{prefix}rmsnorm.weight"]) if closing_norm else x


def swiglu(weights: Weights, prefix: str, h: Tensor) -> Tensor:
    """Gate in the second half of fc1."""
    both = h @ weights[f"{prefix}fc1.weight"].T
    up, gate = both[:, : both.shape[1] // 2], both[:, both.shape[1] // 2 :]
    return (gate / (1 + torch.exp(-gate)) * up) @ weights[f"{prefix}fc2.weight"].T


def mixture(weights: Weights, prefix: str, top_k: int, h: Tensor) -> Tensor:
    """Every position through its likeliest experts, one after the other."""
    rows = []
    for row in h:
        scores = torch.exp(weights[f"{prefix}router.weight"] @ row)
        p = scores / scores.sum()
        chosen = sorted(range(len(p)), key=lambda expert: -p[expert].item())[:top_k]
        total = sum(p[expert] for expert in chosen) if top_k > 1 else 1.0
        rows.append(
            sum(
                p[expert] / total * swiglu(weights, f"{prefix}experts.{expert}.", row[None])[0]
                for expert in chosen
            )
        )
    return torch.stack(rows)


def attention(weights: Weights, prefix: str, numbers: StageConfig, x: Tensor) -> Tensor:
    """Rows of Wqkv: all queries, all keys, all values, each head by head."""
    d = numbers.d_model
    qkv = x @ weights[f"{prefix}Wqkv.weight"].T
    q, k, v = (
        qkv[:, i * d : (i + 1) * d].reshape(1, len(x), d // numbers.head_dim, numbers.head_dim)
        for i in range(3)
    )
    base = numbers.rope_base
    q, k = ops.rope(q, numbers.rotary_dim, base), ops.rope(k, numbers.rotary_dim, base)
    y = ops.attention(q, k, v, numbers.window).reshape(len(x), d)
    return y @ weights[f"{prefix}out_proj.weight"].T


def mamba2(weights: Weights, prefix: str, numbers: StageConfig, x: Tensor) -> Tensor:
    """Rows of in_proj: z, x, B, C, dt."""
    inner, n, heads = numbers.d_inner, numbers.d_state, numbers.mamba_heads
    u = x @ weights[f"{prefix}in_proj.weight"].T
    z, xbc, dt = u[:, :inner], u[:, inner : 2 * inner + 2 * n], u[:, 2 * inner + 2 * n :]
    xbc = ops.conv_silu(
        xbc[None], weights[f"{prefix}conv1d.weight"][:, 0], weights[f"{prefix}conv1d.bias"]
    )[0]
    y = ops.ssd(
        xbc[:, :inner].reshape(1, len(x), heads, numbers.mamba_head_dim),
        torch.log1p(torch.exp(dt + weights[f"{prefix}dt_bias"]))[None],
        -torch.exp(weights[f"{prefix}A_log"]),
        xbc[None, :, inner : inner + n],
        xbc[None, :, inner + n :],
        weights[f"{prefix}D"],
    ).reshape(len(x), inner)
    y = ops.gated_rms_norm(y, z, weights[f"{prefix}norm.weight"])
    return y @ weights[f"{prefix}out_proj.weight"].T
