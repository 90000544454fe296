"""Slow, obvious float64 versions of every op: one position, one head, one number at a time."""

import math

import torch
from torch import Tensor


def ssd(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """S_t = exp(dt A) S + dt x B^T, y = S C + D x, for every head and position in turn."""
    rows = []
    for b in range(x.shape[0]):
        heads = []
        for h in range(x.shape[2]):
            state = torch.zeros(x.shape[3], B.shape[2], dtype=torch.float64)
            outputs = []
            for t in range(x.shape[1]):
                step = dt[b, t, h]
                state = torch.exp(step * A[h]) * state + step * torch.outer(x[b, t, h], B[b, t])
                outputs.append(state @ C[b, t] + D[h] * x[b, t, h])
            heads.append(torch.stack(outputs))
        rows.append(torch.stack(heads, 1))
    return torch.stack(rows)


def ema(z: Tensor, p: Tensor) -> Tensor:
    """y_s = p z + (1 - p) y, from zero."""
    rows = []
    for b in range(z.shape[0]):
        y = torch.zeros(z.shape[2], dtype=torch.float64)
        outputs = []
        for s in range(z.shape[1]):
            y = p[b, s] * z[b, s] + (1 - p[b, s]) * y
            outputs.append(y)
        rows.append(torch.stack(outputs))
    return torch.stack(rows)


def published_ema(z: Tensor, p: Tensor) -> Tensor:
    """H-Net's smoothing as its code runs it: a scan whose inputs and output are bfloat16."""

    def rounded(x: Tensor) -> Tensor:
        return x + (x.to(torch.bfloat16).double() - x).detach()

    rows = []
    for b in range(z.shape[0]):
        y = torch.zeros(z.shape[2], dtype=torch.float64)
        outputs = []
        for s in range(z.shape[1]):
            dt = rounded(torch.log(1 / (1 - p[b, s])))
            y = torch.exp(-dt) * y + dt * rounded(p[b, s]) * rounded(z[b, s] / dt)
            outputs.append(rounded(y))
        rows.append(torch.stack(outputs))
    return torch.stack(rows)


def conv_silu(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Sum of the taps that lie inside the sequence, then u * sigmoid(u)."""
    taps = weight.shape[1]
    outputs = []
    for t in range(x.shape[1]):
        u = bias.expand(x.shape[0], -1)
        for k in range(taps):
            source = t - (taps - 1) + k
            if source >= 0:
                u = u + weight[:, k] * x[:, source]
        outputs.append(u / (1 + torch.exp(-u)))
    return torch.stack(outputs, 1)


def rms_norm(x: Tensor, weight: Tensor, eps: float = 1e-5) -> Tensor:
    """Every row over the root of its mean square."""
    mean_square = (x * x).sum(-1, keepdim=True) / x.shape[-1]
    return x / (mean_square + eps) ** 0.5 * weight


def gated_rms_norm(y: Tensor, z: Tensor, weight: Tensor, eps: float = 1e-5) -> Tensor:
    """The gate first, then the norm."""
    return rms_norm(y * z / (1 + torch.exp(-z)), weight, eps)


def attention(q: Tensor, k: Tensor, v: Tensor, window: int = -1) -> Tensor:
    """Every query against the list of keys it may see."""
    length, width = q.shape[1], q.shape[3]
    outputs = []
    for t in range(length):
        low = 0 if window < 0 else max(0, t - window)
        scores = (q[:, t : t + 1] * k[:, low : t + 1]).sum(-1) / math.sqrt(width)
        weights = torch.exp(scores - scores.max(1, keepdim=True).values)
        weights = weights / weights.sum(1, keepdim=True)
        outputs.append((weights.unsqueeze(-1) * v[:, low : t + 1]).sum(1))
    return torch.stack(outputs, 1)


def rope(x: Tensor, rotary_dim: int, base: float = 10000.0) -> Tensor:
    """Every pair (i, i + rotary_dim / 2) turned by its angle."""
    positions = [rope_at(x[:, t : t + 1], t, rotary_dim, base) for t in range(x.shape[1])]
    return torch.cat(positions, 1)


def rope_at(x: Tensor, t: int, rotary_dim: int, base: float = 10000.0) -> Tensor:
    """The same of one position (B, 1, H, P) with the number t."""
    half = rotary_dim // 2
    columns = list(x.unbind(-1))
    for i in range(half):
        angle = t * base ** (-2 * i / rotary_dim)
        first, second = x[..., i], x[..., i + half]
        columns[i] = first * math.cos(angle) - second * math.sin(angle)
        columns[i + half] = first * math.sin(angle) + second * math.cos(angle)
    return torch.stack(columns, -1)
