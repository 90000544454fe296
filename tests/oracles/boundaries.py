"""Boundaries once more: what every chunker asks for and what the guards make of it."""

import json
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor

from genomenet.chunking import guards
from genomenet.models.config import ModelConfig
from tests.oracles import chunkers


class Bases(NamedTuple):
    """What one sequence of bases brings along."""

    tokens: list[int]
    masked: list[bool] | None
    scores: list[float] | None


def decide(weights, config, prefix, stage, x, bases) -> tuple[Tensor, list[bool]]:
    """Boundary probabilities and boundaries after all guards."""
    p = list(route(weights, config, prefix, stage, x, bases))
    longest = config.of_stage("max_chunk", stage)
    share = config.of_stage("max_boundary_share", stage)
    boundary, granted, last = [], 0, 0
    for t in range(len(p)):
        asks = bool(p[t] > 0.5) or t == 0
        if asks and (share == 1 or granted + 1 <= guards.BURST + int(share * (t + 1))):
            granted += 1
        else:
            asks = False
        changes = config.boundary_at_n and t >= 2 and bases is not None
        changes = changes and (bases.tokens[t] == 4) != (bases.tokens[t - 1] == 4)
        forced = t == 0 or changes
        if longest and not (asks or forced) and t - last == longest:
            forced = True
        if forced:
            p[t] = torch.ones_like(p[t])
        boundary.append(asks or forced)
        last = t if boundary[-1] else last
    return torch.stack(p), boundary


def route(weights, config, prefix, stage, x, bases) -> Tensor:
    """Boundary probability of every position."""
    if config.chunker_of(stage) not in {"learned", "linear"}:
        asks = rule(config, stage, len(x), bases)
        return torch.tensor([float(asked) for asked in asks], dtype=torch.float64)
    if config.chunker_of(stage) == "linear":
        weight, bias = (
            weights[f"{prefix}routing_module.p_proj_layer.{part}"] for part in ("weight", "bias")
        )
        return torch.stack([torch.sigmoid(weight[0] @ row + bias[0]) for row in x])
    p = [torch.ones((), dtype=torch.float64)]
    for t in range(1, len(x)):
        q = weights[f"{prefix}routing_module.q_proj_layer.weight"] @ x[t - 1]
        k = weights[f"{prefix}routing_module.k_proj_layer.weight"] @ x[t]
        p.append((1 - (q @ k) / (q.norm() * k.norm())) / 2)
    return torch.stack(p).clamp(0, 1)


def rule(config: ModelConfig, stage: int, length: int, bases: Bases | None) -> list[bool]:
    """Positions at which a chunker without weights asks."""
    kind = config.chunker_of(stage)
    if kind == "fixed":
        return [t % int(config.target(stage)) == 0 for t in range(length)]
    if kind == "random":
        draws = (
            chunkers.random_number(
                t, config.chunker_seed, stage, None if bases is None else bases.tokens[: t + 1]
            )
            for t in range(length)
        )
        return [draw < 1 / config.target(stage) for draw in draws]
    if kind == "delimiter":
        return chunkers.delimited(bases.tokens, bases.masked, config.delimiters)
    folder = Path(config.patcher)
    record = json.loads((folder / "patcher.json").read_text())
    if kind == "bpe":
        words = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
        return chunkers.bpe_begins(bases.tokens, list(words))
    reset = record["reset_bp"]
    values = bases.scores
    if kind == "markov":
        tensors = load_file(folder / "patcher.safetensors")
        tables = [tensors[f"order_{k}"] for k in range(len(tensors))]
        values = [chunkers.markov_entropy(bases.tokens, t, tables, reset) for t in range(length)]
    if kind == "entropy":
        values = entropies(folder, ModelConfig(**record["model"]), bases.tokens, reset)
    levels = record["rule"]
    asks = chunkers.rule_starts(values, levels["threshold"], levels["rise"], levels["kind"])
    return [asked or bool(reset and t % reset == 0) for t, asked in enumerate(asks)]


def entropies(folder: Path, config: ModelConfig, tokens: list[int], reset: int) -> list[float]:
    """Of a model's next bases, segment by segment, each behind a start symbol; 0 at an N."""
    from tests.oracles.model import language_model  # which calls this module

    weights = {k: v.double() for k, v in load_file(folder / "patcher.safetensors").items()}
    values = []
    for begin in range(0, len(tokens), reset or len(tokens)):
        segment = [4, *tokens[begin + 1 : begin + (reset or len(tokens))]]
        logits, _, _ = language_model(weights, config, segment)
        for t, row in enumerate(logits[:, :4].tolist()):
            values.append(0.0 if t and segment[t] == 4 else chunkers.entropy(row))
    return values
