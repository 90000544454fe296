"""The whole language model once more: one sequence, float64, written from the formulas."""

import torch
from torch import Tensor

from genomenet.models.config import ModelConfig
from genomenet.nn.stage import StageConfig
from tests.oracles import ops

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
    weights: Weights, config: ModelConfig, tokens: list[int]
) -> tuple[Tensor, list[Tensor], list[list[bool]]]:
    """Logits (L, V), and per stage boundary probabilities and boundaries."""
    x = torch.stack([weights["embeddings.weight"][token] for token in tokens])
    x, probabilities, boundaries = network(weights, config, "backbone.", 0, x)
    return x @ weights["lm_head.weight"].T, probabilities, boundaries


def network(weights: Weights, config: ModelConfig, prefix: str, stage: int, x: Tensor):
    """One stage and all inside it, on vectors (L, D)."""
    layout, numbers = config.networks(), config.stage(stage)
    outer = x.shape[1]
    if numbers.d_model > outer:
        pad = weights[f"{prefix}pad_dimension"]
        x = torch.stack([torch.cat([row, pad]) for row in x])
    if stage == layout.stages:
        x = stack(weights, f"{prefix}main_network.", layout.main, numbers, x)
        return x[:, :outer], [], []
    x = stack(weights, f"{prefix}encoder.", layout.encoders[stage], numbers, x)
    residual = (
        x @ weights[f"{prefix}residual_proj.weight"].T + weights[f"{prefix}residual_proj.bias"]
    )
    p = route(weights, config, prefix, stage, x)
    boundary = [bool(value > 0.5) for value in p]
    starts = [t for t, is_start in enumerate(boundary) if is_start]
    chunks = torch.stack([x[t] for t in starts])
    inner, probabilities, boundaries = network(
        weights, config, f"{prefix}main_network.", stage + 1, chunks
    )
    smoothed = []
    memory = torch.zeros(numbers.d_model, dtype=torch.float64)
    for start, vector in zip(starts, inner, strict=True):
        gate = p[start].clamp(1e-4, 1 - 1e-4)
        memory = gate * vector + (1 - gate) * memory
        smoothed.append(memory)
    rows, chunk = [], -1
    for t, is_start in enumerate(boundary):
        chunk += is_start
        confidence = p[t] if is_start else 1 - p[t]
        rows.append(smoothed[chunk] * _StraightThrough.apply(confidence) + residual[t])
    x = stack(weights, f"{prefix}decoder.", layout.decoders[stage], numbers, torch.stack(rows))
    return x[:, :outer], [p, *probabilities], [boundary, *boundaries]


def route(weights: Weights, config: ModelConfig, prefix: str, stage: int, x: Tensor) -> Tensor:
    """Boundary probability of every position."""
    if config.router == "fixed":
        stride = int(config.target(stage))
        return torch.tensor([float(t % stride == 0) for t in range(len(x))], dtype=torch.float64)
    p = [torch.ones((), dtype=torch.float64)]
    for t in range(1, len(x)):
        q = weights[f"{prefix}routing_module.q_proj_layer.weight"] @ x[t - 1]
        k = weights[f"{prefix}routing_module.k_proj_layer.weight"] @ x[t]
        p.append((1 - (q @ k) / (q.norm() * k.norm())) / 2)
    return torch.stack(p).clamp(0, 1)


def stack(weights: Weights, prefix: str, letters: str, numbers: StageConfig, x: Tensor) -> Tensor:
    """Pre-norm layers and the closing norm."""
    for i, letter in enumerate(letters):
        layer = f"{prefix}layers.{i}."
        mixer = attention if letter in "tT" else mamba2
        h = ops.rms_norm(x, weights[f"{layer}norm1.weight"])
        x = x + mixer(weights, f"{layer}mixer.", numbers, h)
        if letter.isupper():
            h = ops.rms_norm(x, weights[f"{layer}norm2.weight"])
            both = h @ weights[f"{layer}mlp.fc1.weight"].T
            up, gate = both[:, : both.shape[1] // 2], both[:, both.shape[1] // 2 :]
            x = x + (gate / (1 + torch.exp(-gate)) * up) @ weights[f"{layer}mlp.fc2.weight"].T
    return ops.rms_norm(x, weights[f"{prefix}rmsnorm.weight"])


def attention(weights: Weights, prefix: str, numbers: StageConfig, x: Tensor) -> Tensor:
    """Rows of Wqkv: all queries, all keys, all values, each head by head."""
    d = numbers.d_model
    qkv = x @ weights[f"{prefix}Wqkv.weight"].T
    q, k, v = (
        qkv[:, i * d : (i + 1) * d].reshape(1, len(x), d // numbers.head_dim, numbers.head_dim)
        for i in range(3)
    )
    q, k = ops.rope(q, numbers.rotary_dim), ops.rope(k, numbers.rotary_dim)
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
