"""RunConfig: phases of the schedule, and errors that name the field."""

import pytest

from genomenet.errors import UserError
from genomenet.training.config import TrainConfig


@pytest.mark.parametrize(
    ("recipe", "stable"),
    [
        ({}, True),
        ({"schedule": "cosine"}, False),
        ({"decay_fraction": 0.0}, False),
        ({"warmup_fraction": 0.0, "decay_fraction": 1.0}, False),
        ({"warmup_fraction": 0.5, "decay_fraction": 0.5}, False),
    ],
)
def test_whether_there_are_weights_from_before_the_decay(recipe, stable):
    assert TrainConfig(max_steps=10, **recipe).decays_from_stable is stable


def test_cosine_has_no_stable_phase():
    recipe = TrainConfig(max_steps=10, schedule="cosine")
    assert {recipe.phase(step) for step in range(11)} == {"warmup", "decay"}


@pytest.mark.parametrize(
    ("train", "says"),
    [
        ({"max_steps": 0}, "train.max_steps is 0"),
        ({"lr": -1.0}, "train.lr is -1; it must be above 0"),
        ({"beta2": 1.0}, "train.beta2 is 1; it must be above 0 and below 1"),
        ({"gradient_clip": -1.0}, "train.gradient_clip is -1"),
        ({"micro_batch_size": 3}, "does not divide"),
        ({"warmup_fraction": 0.6, "decay_fraction": 0.6}, "at most 1 together"),
        ({"lr_multipliers": [1.0]}, "train.lr_multipliers has 1 values"),
        ({"ratio_weight": [0.1, 0.1]}, "train.ratio_weight has 2 values"),
    ],
)
def test_refuses_recipes(make_config, train, says):
    with pytest.raises(UserError) as error:
        make_config(**train).check()
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"genome": ""}, "data.genome is missing"),
        ({"max_length": 1}, "data.max_length is 1"),
        ({"soft_mask_weight": 2.0}, "data.soft_mask_weight is 2"),
    ],
)
def test_refuses_data(make_config, data, says):
    with pytest.raises(UserError) as error:
        make_config(data=data).check()
    assert says in str(error.value)


def test_cosine_runs_to_the_end(make_config, tmp_path):
    from genomenet.training.run import train

    train(make_config(schedule="cosine", max_steps=4), tmp_path / "run", "", progress=False)
    assert not (tmp_path / "run" / "checkpoints" / "before_decay.ckpt").exists()
