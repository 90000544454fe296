"""Schedules, learning-rate multipliers and what decays."""

import math

import pytest
import torch

from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel
from genomenet.training.config import TrainConfig
from genomenet.training.optimiser import (
    learning_rate_multipliers,
    make_optimiser,
    parameter_groups,
    schedule_factor,
    stage_of_parameter,
)


def test_multipliers_of_the_published_models():
    """H-Net equation 11: (2.627, 0.876) for 1stage_L, (3.033, 1.430, 0.715) for 2stage_XL."""
    one = ModelConfig(layout="m4 + T22 + m4", d_model=[1024, 1536], targets=6)
    assert learning_rate_multipliers(one) == pytest.approx([1, 0.876 / 2.627], rel=1e-3)
    two = ModelConfig(
        layout="m4 + T1m4 + T27 + m4T1 + m4", d_model=[1024, 1536, 2048], targets=[3, 3]
    )
    expected = [1, 1.430 / 3.033, 0.715 / 3.033]
    assert learning_rate_multipliers(two) == pytest.approx(expected, rel=1e-3)
    dna = ModelConfig(layout="m3T1 + T15 + m4", d_model=512, targets=3)
    assert learning_rate_multipliers(dna) == pytest.approx([1, 1 / math.sqrt(3)])
    assert learning_rate_multipliers(ModelConfig(layout="T9")) == [1]


def test_wsd_schedule():
    recipe = TrainConfig(max_steps=100, warmup_fraction=0.1, decay_fraction=0.2)
    factors = [schedule_factor(step, recipe) for step in range(101)]
    assert factors[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert factors[10:81] == [1.0] * 71
    assert factors[85] == pytest.approx(1 - math.sqrt(5 / 20))
    assert factors[100] == 0
    assert [recipe.phase(step) for step in (9, 10, 80, 81)] == [
        "warmup", "stable", "stable", "decay",
    ]  # fmt: skip


def test_cosine_schedule():
    recipe = TrainConfig(max_steps=100, schedule="cosine", warmup_fraction=0.1)
    assert schedule_factor(10, recipe) == 1
    assert schedule_factor(55, recipe) == pytest.approx(0.55)
    assert schedule_factor(100, recipe) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "more", [{}, {"pool": "cross_attention", "chunker": "fixed", "ngrams": [2, 3]}]
)
def test_groups(more):
    config = ModelConfig(layout="m1T1 + M1 + m1", d_model=[32, 64], head_dim=16, d_state=8, **more)
    model = LanguageModel(config)
    recipe = TrainConfig(lr=1e-2, weight_decay=0.3, lr_multipliers=[1.0, 0.25])
    groups = parameter_groups(model, config, recipe)
    shared_out = [id(p) for group in groups for p in group["params"]]
    assert sorted(shared_out) == sorted(id(p) for p in model.parameters())
    of = {id(p): group for group in groups for p in group["params"]}
    for name, parameter in model.named_parameters():
        group = of[id(parameter)]
        inner = name.startswith("backbone.main_network.")
        assert group["lr"] == pytest.approx(1e-2 * (0.25 if inner else 1.0)), name
        exempt = ("norm", "bias", "A_log", ".D", "embeddings", "pad_dimension", "ngrams")
        assert group["weight_decay"] == (0.0 if any(word in name for word in exempt) else 0.3), name


@pytest.mark.parametrize(
    ("name", "stages", "stage"),
    [
        ("embeddings.weight", 1, 0),
        ("backbone.main_network.layers.0.norm1.weight", 0, 0),
        ("backbone.residual_proj.weight", 1, 0),
        ("backbone.main_network.main_network.layers.0.norm1.weight", 1, 1),
        ("backbone.main_network.pad_dimension", 1, 1),
        ("backbone.main_network.encoder.layers.0.norm1.weight", 2, 1),
        ("backbone.main_network.main_network.main_network.rmsnorm.weight", 2, 2),
    ],
)
def test_stage_of_parameter(name, stages, stage):
    assert stage_of_parameter(name, stages) == stage


def test_optimiser_follows_the_schedule():
    config = ModelConfig(layout="m1", d_model=16, mamba_head_dim=16, d_state=8)
    model = LanguageModel(config)
    recipe = TrainConfig(max_steps=10, warmup_fraction=0.2, decay_fraction=0.5, lr=1.0)
    optimiser, scheduler = make_optimiser(model, config, recipe)
    seen = []
    for _ in range(10):
        seen.append(optimiser.param_groups[0]["lr"])
        model(torch.zeros(1, 4, dtype=torch.long)).logits.sum().backward()
        optimiser.step()
        scheduler.step()
    assert seen == pytest.approx([schedule_factor(step, recipe) for step in range(10)])
