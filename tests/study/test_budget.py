"""A budget of FLOPs gives each arm its own steps, before and after its patcher is made."""

from dataclasses import replace

import pytest

from genomenet.models.config import ModelConfig
from genomenet.models.flops import flops_per_base
from genomenet.study.budget import describe_budget, training_flops_per_base
from genomenet.study.config import StudyConfig
from genomenet.training.calibration_config import CalibrateConfig
from genomenet.training.config import DataConfig, TrainConfig

LENGTH, BATCH = 256, 4
SMALL = {"d_model": 32, "head_dim": 16, "d_state": 8, "mamba_head_dim": 16}


@pytest.fixture
def config():
    return StudyConfig(
        data=DataConfig(mock=True, max_length=LENGTH),
        train=TrainConfig(global_batch_size=BATCH),
        arms={
            "small": ModelConfig(**SMALL, layout="T1"),
            "large": ModelConfig(**SMALL, layout="T4"),
            "entropy": ModelConfig(
                **SMALL, layout="m1 + T1 + m1", chunker="entropy", targets=4, patcher="entropy4"
            ),
        },
        patchers={
            "entropy4": CalibrateConfig(kind="entropy", target=4, entropy_model="e", reset_bp=64)
        },
        entropy_models={"e": ModelConfig(**SMALL, layout="T2")},
        flop_budget=1e11,
    ).check()


def test_every_arm_spends_the_budget_but_for_less_than_a_step(config):
    for arm, model in config.arms.items():
        step = training_flops_per_base(config, model) * BATCH * LENGTH
        spent = step * config.recipe(arm).max_steps
        assert 0 <= config.flop_budget - spent < step
    small, large = (config.recipe(arm).max_steps for arm in ("small", "large"))
    assert small > 2 * large


def test_an_entropy_model_is_paid_once_a_base(config):
    model = config.arms["entropy"]
    own = flops_per_base(replace(model, patcher=""), LENGTH)
    entropy = flops_per_base(config.entropy_models["e"], 64).total
    assert training_flops_per_base(config, model) == pytest.approx(3 * own.total + entropy)


def test_an_arm_may_have_a_batch_of_its_own(config):
    doubled = replace(config, recipes={"small": {"global_batch_size": 2 * BATCH}}).check()
    assert doubled.recipe("small").max_steps == config.recipe("small").max_steps // 2


def test_the_note_tells_the_range_of_bases(config):
    bases = {arm: config.recipe(arm).max_steps * BATCH * LENGTH for arm in config.arms}
    note = describe_budget(config)
    assert f"{min(bases.values()):,}" in note
    assert f"{max(bases.values()):,} (small)" in note
