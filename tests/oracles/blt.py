"""BLT's parts once more: one position, one patch and one n-gram at a time, in float64."""

import torch
from torch import Tensor

from genomenet.models.config import ModelConfig
from tests.oracles import ops
from tests.oracles.segments import softmax_sum

Weights = dict[str, Tensor]

PRIMES = (1000000007, 5915587277, 1500450271, 3267000013)


def ngrams(table: Tensor, config: ModelConfig, tokens: list[int]) -> Tensor:
    """Sum over all tables of the row of the n-gram that ends at every position."""
    rows = []
    for t in range(len(tokens)):
        total, start = torch.zeros_like(table[0]), 0
        hashed = config.ngram_tables == "hashed"
        for function in range(config.ngram_functions if hashed else 1):
            for n in config.ngrams:
                if hashed:
                    offset = 1 if config.alphabet == "dna" else 0
                    shifted = [token + offset for token in tokens[: t + 1]]
                    number = hash_of(shifted, n, PRIMES[function], config.ngram_rows)
                    size = config.ngram_rows
                else:
                    number, size = kmer_number(tokens[: t + 1], n), 4**n + 1
                total = total + table[start + number]
                start += size
        rows.append(total)
    return torch.stack(rows)


def hash_of(tokens: list[int], n: int, prime: int, rows: int) -> int:
    """Polynomial of the last n tokens in Python's integers, wrapped to 64 bits at the end."""
    window = ([0] * n + tokens)[-n:]
    value = sum(token * prime**power for power, token in enumerate(window))
    wrapped = (value + 2**63) % 2**64 - 2**63
    return wrapped % rows


def kmer_number(tokens: list[int], n: int) -> int:
    """The last n bases read as a number in base 4, or the row after all of them."""
    window = tokens[-n:]
    if len(window) < n or any(token > 3 for token in window):
        return 4**n
    number = 0
    for token in window:
        number = 4 * number + token
    return number


def project(weights: Weights, name: str, x: Tensor) -> Tensor:
    """A linear layer without bias."""
    return x @ weights[f"{name}.weight"].T


def pool(weights, config, prefix, stage, x, boundary) -> Tensor:
    """The vector of every patch that closes, at the width of the network within."""
    head, width = config.stage(stage).head_dim, x.shape[1]
    name = f"{prefix}pooling."
    vectors, start = [], 0
    for t, closes in enumerate(boundary):
        if not closes:
            continue
        inside = x[start : t + 1]
        start = t + 1
        slots = project(weights, f"{name}slot_proj", inside.amax(0)).reshape(config.slots, width)
        normed = ops.rms_norm(inside, weights[f"{name}norm_kv.weight"])
        kv = project(weights, f"{name}Wkv", normed)
        k, v = (part.reshape(len(inside), -1, head) for part in (kv[:, :width], kv[:, width:]))
        found = []
        for slot in slots:
            q = project(weights, f"{name}Wq", ops.rms_norm(slot, weights[f"{name}norm_q.weight"]))
            y = project(
                weights, f"{name}out_proj", softmax_sum(q.reshape(-1, head), k, v).reshape(-1)
            )
            found.append((2 if config.parity else 1) * slot + y)
        vectors.append(torch.cat(found))
    pooled = torch.stack(vectors)
    if f"{prefix}chunk_proj.weight" in weights:
        pooled = project(weights, f"{prefix}chunk_proj", pooled)
    return pooled


def project_slots(weights, config, prefix, inner) -> Tensor:
    """Slots (S, K, D) of what the network within says of every patch."""
    slots = project(weights, f"{prefix}slot_proj", inner)
    return slots.reshape(len(inner), config.slots, -1)


def read(weights, config, name, x, slots, boundary, sure) -> Tensor:
    """Every position reads the patch that closed last, itself included."""
    width, rows, patch = x.shape[1], [], -1
    for t, closes in enumerate(boundary):
        patch += closes
        kv = project(
            weights, f"{name}Wkv", ops.rms_norm(slots[patch], weights[f"{name}norm_kv.weight"])
        )
        if config.slots == 1:
            found = kv[0]
        else:
            head = config.stage(0).head_dim  # the same in all stages of these models
            k, v = (part.reshape(len(kv), -1, head) for part in (kv[:, :width], kv[:, width:]))
            q = project(weights, f"{name}Wq", ops.rms_norm(x[t], weights[f"{name}norm_q.weight"]))
            found = softmax_sum(q.reshape(-1, head), k, v).reshape(-1)
        y = project(weights, f"{name}out_proj", found)
        rows.append((2 if config.parity else 1) * x[t] + sure[t] * y)
    return torch.stack(rows)
