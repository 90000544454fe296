"""Attention between positions and chunks, one chunk and one position at a time, in float64."""

import math

import torch
from torch import Tensor


def members(chunk: Tensor, number: int) -> list[int]:
    """Positions of one row that lie in a chunk."""
    return [t for t, other in enumerate(chunk.tolist()) if other == number]


def segment_max(x: Tensor, chunk: Tensor, chunks: int) -> Tensor:
    """The largest of every channel, over a list of positions."""
    rows = []
    for b in range(len(x)):
        vectors = []
        for s in range(chunks):
            inside = members(chunk[b], s)
            vectors.append(x[b, inside].amax(0) if inside else torch.zeros_like(x[b, 0]))
        rows.append(torch.stack(vectors))
    return torch.stack(rows)


def softmax_sum(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """One query (H, P) against keys and values (N, H, P)."""
    scores = (q * k).sum(-1) / math.sqrt(q.shape[-1])
    weights = torch.exp(scores - scores.max(0).values)
    return ((weights / weights.sum(0)).unsqueeze(-1) * v).sum(0)


def segment_attention(q: Tensor, k: Tensor, v: Tensor, chunk: Tensor) -> Tensor:
    """Every query of every chunk against the list of positions in it."""
    rows = []
    for b in range(len(q)):
        vectors = []
        for s in range(q.shape[1]):
            inside = members(chunk[b], s)
            for slot in range(q.shape[2]):
                query = q[b, s, slot]
                vectors.append(
                    softmax_sum(query, k[b, inside], v[b, inside]) if inside else 0 * query
                )
        rows.append(torch.stack(vectors).unflatten(0, q.shape[1:3]))
    return torch.stack(rows)


def slot_attention(q: Tensor, k: Tensor, v: Tensor, chunk: Tensor) -> Tensor:
    """Every position against the slots of its chunk."""
    rows = []
    for b in range(len(q)):
        vectors = []
        for t, s in enumerate(chunk[b].tolist()):
            inside = 0 <= s < k.shape[1]
            vectors.append(softmax_sum(q[b, t], k[b, s], v[b, s]) if inside else 0 * q[b, t])
        rows.append(torch.stack(vectors))
    return torch.stack(rows)


def spread(h: Tensor, chunk: Tensor) -> Tensor:
    """The vector of the chunk that every position names."""
    return torch.stack(
        [
            torch.stack([row[s] if 0 <= s < len(row) else 0 * row[0] for s in ids.tolist()])
            for row, ids in zip(h, chunk, strict=True)
        ]
    )
