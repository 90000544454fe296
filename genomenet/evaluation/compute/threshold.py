"""Move the threshold of a trained model's boundaries: more compute or less, the same weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from genomenet.chunking.learned import CosineRouter, LinearRouter
from genomenet.chunking.valued import ValuedChunker
from genomenet.errors import UserError


def chunking_stages(model: nn.Module) -> list[Any]:
    """The modules that hold a chunker and its guards, outermost first."""
    return [part for part in model.modules() if hasattr(part, "routing_module")]


def threshold_of(stage: Any) -> float | None:
    """What a stage compares with: a probability, or a value in nats; None where nothing is."""
    chunker = stage.routing_module
    if isinstance(chunker, ValuedChunker):
        return float(chunker.rule.threshold)
    if isinstance(chunker, CosineRouter | LinearRouter):
        return float(stage.guards.threshold)
    return None


@contextmanager
def moved_threshold(model: nn.Module, threshold: float, stage: int = 0) -> Iterator[None]:
    """Let a stage ask at another threshold for a while; its guards stay in force.

    Parameters
    ----------
    model : Module
        The model; afterwards it is as it was, whatever happened meanwhile.
    threshold : float
        Learned routing asks where the probability is above it, a patcher where its value is.
    stage : int
        Which, 0 the outermost.

    Raises
    ------
    UserError
        When the model has no such stage, or its rule compares with no threshold.
    """
    stages = chunking_stages(model)
    if stage >= len(stages) or threshold_of(stages[stage]) is None:
        raise UserError(
            f"stage {stage} of the model has no threshold to move; only learned routing and "
            "patchers by entropy, Markov table or track have one"
        )
    part = stages[stage]
    chunker, guards = part.routing_module, part.guards
    valued = isinstance(chunker, ValuedChunker)
    rule: Any = chunker.rule if valued else None
    try:
        if valued:
            # Ties were broken at the old threshold only.
            chunker.rule = (
                replace(rule, threshold=threshold, tie_share=0.0)
                if (threshold != rule.threshold)
                else rule
            )
        else:
            part.guards = replace(guards, threshold=threshold)
        yield
    finally:
        part.guards = guards
        if valued:
            chunker.rule = rule


@contextmanager
def recorded_levels(stage: Any) -> Iterator[list[Tensor]]:
    """Keep what a stage compares with its threshold, whatever the threshold is.

    Parameters
    ----------
    stage : module
        One of `chunking_stages` that has a threshold.

    Yields
    ------
    list of Tensor
        One a forward pass, float64, of the valid positions behind the first of each row (where
        a boundary is forced); values that never ask (nan) are left out.
    """
    kept: list[Tensor] = []

    def keep(chunker: Any, inputs: tuple[Any, ...], asked_BL: Tensor) -> None:
        positions, level_BL = inputs[1], asked_BL
        if isinstance(chunker, ValuedChunker):
            value_BL = chunker.values(positions)
            level_BL = chunker.rule.level(value_BL, F.pad(value_BL[:, :-1], (1, 0)))
        level = level_BL[:, 1:][positions.valid_BL[:, 1:]].double().cpu()
        kept.append(level[~level.isnan()])

    hook = stage.routing_module.register_forward_hook(keep)
    try:
        yield kept
    finally:
        hook.remove()
