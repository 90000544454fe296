"""Steps for a budget of training FLOPs, from what each arm costs by its config; without torch."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from genomenet.errors import UserError
from genomenet.models.check import patcher_kind
from genomenet.models.config import ModelConfig
from genomenet.models.flops import TRAINING_OVER_FORWARD, flops_per_base
from genomenet.training.config import TrainConfig
from genomenet.training.record import read_record

if TYPE_CHECKING:
    from genomenet.study.config import StudyConfig


def within_budget(config: "StudyConfig", model: ModelConfig, recipe: TrainConfig) -> TrainConfig:
    """The recipe with as many steps as the study's budget of FLOPs pays for.

    Raises
    ------
    UserError
        When it does not pay for a single step.
    """
    flops = training_flops_per_base(config, model)
    step = flops * recipe.global_batch_size * config.data.max_length
    if step > config.flop_budget:
        raise UserError(
            f"flop_budget is {config.flop_budget:g}, but one step costs {step:.3g} FLOPs; give more"
        )
    return replace(recipe, max_steps=int(config.flop_budget // step))


def training_flops_per_base(config: "StudyConfig", model: ModelConfig) -> float:
    """Nominal training FLOPs per base of an arm, also before its patcher is made."""
    length_bp = config.data.max_length
    patcher = config.patchers.get(model.patcher)
    if patcher is None:
        return flops_per_base(model, length_bp).training
    own = flops_per_base(replace(model, patcher=""), length_bp).training
    if patcher_kind(model) != "entropy":
        return own
    name = patcher.entropy_model
    entropy = config.entropy_models.get(name) or read_record(Path(name))[0].model
    return own + flops_per_base(entropy, min(length_bp, patcher.reset_bp or length_bp)).total


def describe_budget(config: "StudyConfig") -> str:
    """A sentence on what arms of equal FLOPs have not in common."""
    bases = {
        arm: recipe.max_steps * recipe.global_batch_size * config.data.max_length
        for arm in config.arms
        for recipe in [config.recipe(arm)]
    }
    low, high = min(bases, key=bases.__getitem__), max(bases, key=bases.__getitem__)
    return (
        f"Every arm was given {config.flop_budget:g} nominal training FLOPs ("
        f"{TRAINING_OVER_FORWARD} times those of the forward pass, at the target chunk rate), so "
        f"arms see between {bases[low]:,} ({low}) and {bases[high]:,} ({high}) training bases: the "
        "same ones in the same order, but cheap arms more of them. Final scores are at equal "
        "nominal compute, not at equal data. Warm-up and decay are the same shares of each arm's "
        "own steps. Data ratios are still read at equal loss before either decay, but the "
        "baseline's last loss lies at its own number of bases, and an arm with fewer bases is less "
        "often bracketed."
    )


def describe_recipes(config: "StudyConfig") -> str:
    """A sentence on arms that have some of the recipe for themselves."""
    own = "; ".join(f"{arm} ({', '.join(own_recipe(config, arm))})" for arm in config.recipes)
    return (
        f"These arms differ from the others in the recipe too, not in the model alone: {own}. What "
        "tells them apart may be due to either."
    )


def own_recipe(config: "StudyConfig", arm: str) -> tuple[str, ...]:
    """What an arm has of the recipe for itself, as ``lr 0.001``."""
    return tuple(f"{name} {value}" for name, value in config.recipes.get(arm, {}).items())
