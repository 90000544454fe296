"""Parameter groups, learning-rate multipliers and schedules."""

import math

import torch
from torch import nn

from genomenet.models.config import ModelConfig
from genomenet.training.config import TrainConfig


def learning_rate_multipliers(config: ModelConfig) -> list[float]:
    """H-Net's multiplier of each stage, relative to the outermost.

    lambda_s is proportional to sqrt(prod_{i >= s} N_i / prod_i N_i * D_S / D_s): outer stages
    see more positions and learn faster. The paper's constant for text (bases per GPT-2 token)
    cancels in the ratio. Source: H-Net (arXiv 2507.07955), equation 11.

    Parameters
    ----------
    config : ModelConfig
        The model; the targets are its N.

    Returns
    -------
    list of float
        One a stage; the first is 1.
    """
    stages = config.networks().stages
    multipliers = []
    outer_product = 1.0
    for stage in range(stages + 1):
        multipliers.append(math.sqrt(1 / outer_product / config.stage(stage).d_model))
        if stage < stages:
            outer_product *= config.target(stage)
    return [value / multipliers[0] for value in multipliers]


def stage_of_parameter(name: str, stages: int) -> int:
    """The stage a parameter of a LanguageModel belongs to, by its name."""
    return min(name.count("main_network."), stages)


def parameter_groups(model: nn.Module, config: ModelConfig, train: TrainConfig) -> list[dict]:
    """AdamW groups by stage and by whether weights decay.

    Matrices decay; vectors (norms, biases, A_log, D, dt_bias, the pad vector) and embeddings, of
    tokens and of n-grams, do not: most of their rows have no gradient in most steps.

    Parameters
    ----------
    model : LanguageModel
        Its parameters are shared out.
    config : ModelConfig
        Its config.
    train : TrainConfig
        Peak learning rate, multipliers and weight decay.
    """
    multipliers = train.lr_multipliers or learning_rate_multipliers(config)
    stages = config.networks().stages
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        decays = parameter.ndim >= 2 and not name.startswith(("embeddings.", "ngrams."))
        key = (stage_of_parameter(name, stages), decays)
        groups.setdefault(key, []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": train.lr * multipliers[stage],
            "weight_decay": train.weight_decay if decays else 0.0,
        }
        for (stage, decays), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]


def schedule_factor(step: int, train: TrainConfig) -> float:
    """Learning rate of the step with this number over the peak.

    Parameters
    ----------
    step : int
        Steps already taken.
    train : TrainConfig
        The recipe.
    """
    if step < train.warmup_steps:
        return (step + 1) / train.warmup_steps
    if step < train.decay_start:
        return 1.0
    progress = min(1.0, (step - train.decay_start) / max(1, train.max_steps - train.decay_start))
    if train.schedule == "cosine":
        return 0.1 + 0.45 * (1 + math.cos(math.pi * progress))
    return 1 - math.sqrt(progress)


def make_optimiser(
    model: nn.Module, config: ModelConfig, train: TrainConfig
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.LambdaLR]:
    """AdamW over the parameter groups, and its schedule by step."""
    optimiser = torch.optim.AdamW(
        parameter_groups(model, config, train), betas=(train.beta1, train.beta2), fused=True
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: schedule_factor(step, train)
    )
    return optimiser, scheduler
