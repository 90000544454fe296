"""Sweeps become arms with names that tell what differs, and mistakes name the nearest key."""

import subprocess
import sys

import pytest

from genomenet.errors import UserError
from genomenet.models.config import ModelConfig
from genomenet.study.config import StudyConfig
from genomenet.study.sweep import expand
from genomenet.training.config import DataConfig, TrainConfig

ARMS = {"mamba2": ModelConfig(layout="M2"), "hnet": ModelConfig(layout="m1 + M2 + m1")}


def study(**fields):
    return StudyConfig(arms=ARMS, data=DataConfig(mock=True), **fields)


def test_a_sweep_takes_the_place_of_its_arm():
    config = study(sweep={"hnet": {"train.lr": [1e-3, "3e-3"], "model.targets": [3, 6]}}).check()
    assert list(config.arms) == [
        "mamba2",
        "hnet-lr0.001-targets3", "hnet-lr0.001-targets6",
        "hnet-lr0.003-targets3", "hnet-lr0.003-targets6",
    ]  # fmt: skip
    assert config.arms["hnet-lr0.003-targets6"].targets == 6
    assert config.recipes["hnet-lr0.003-targets6"] == {"lr": 3e-3}
    assert "mamba2" not in config.recipes
    assert config.run("hnet-lr0.003-targets6", 5).train.lr == 3e-3
    assert config.run("hnet-lr0.003-targets6", 5).train.seed == 5
    assert config.run("mamba2", 5).train.lr == config.train.lr
    assert config.sweep == {}
    assert "A sweep of hnet over train.lr (0.001, 0.003) and model.targets (3.0" in config.notes[0]


def test_checking_twice_changes_nothing():
    config = study(sweep={"hnet": {"train.lr": [1e-3]}}, recipes={"mamba2": {"lr": "1e-2"}}).check()
    assert config.recipes == {"mamba2": {"lr": 0.01}, "hnet-lr0.001": {"lr": 0.001}}
    assert config.check() == config


def test_variants_inherit_the_recipe_of_their_arm():
    _, recipes, _ = expand(ARMS, {"hnet": {"lr": 1.0}}, {"hnet": {"train.weight_decay": [0.0]}})
    assert recipes == {"hnet-weight_decay0": {"lr": 1.0, "weight_decay": 0.0}}


def test_names_become_folders():
    arms, _, _ = expand(
        ARMS,
        {},
        {
            "hnet": {
                "model.layout": ["m1 + T2 + m1", "M1 + T2 + M1"],
                "model.window": [[63, -1]],
                "model.inner_norms": [True],
                "train.lr": [1e-5],
            }
        },
    )
    assert list(arms)[1:] == [
        "hnet-layoutm1-T2-m1-window63_-1-inner_normstrue-lr1e-05",
        "hnet-layoutM1-T2-M1-window63_-1-inner_normstrue-lr1e-05",
    ]


def test_a_preset_may_be_swept():
    config = StudyConfig(
        data=DataConfig(mock=True),
        presets=["laptop-hnet-mamba2"],
        sweep={"laptop-hnet-mamba2": {"model.targets": [2, 4]}},
    ).check()
    assert list(config.arms) == ["laptop-hnet-mamba2-targets2", "laptop-hnet-mamba2-targets4"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"sweep": {"hnt": {"train.lr": [1]}}}, "sweep.hnt is of no arm; did you mean 'hnet'"),
        ({"sweep": {"hnet": {"train.lrr": [1]}}}, "unknown key; did you mean 'train.lr'"),
        ({"sweep": {"hnet": {"model.target": [1]}}}, "unknown key; did you mean 'model.targets'"),
        (
            {"sweep": {"hnet": {"targets": [1]}}},
            "no field of a model or recipe; did you mean 'model.",
        ),
        ({"sweep": {"hnet": {"data.max_length": [64]}}}, "is no field of a model or recipe"),
        ({"sweep": {"hnet": {}}}, "sweep.hnet names no field"),
        ({"sweep": {"hnet": {"train.lr": []}}}, "sweep.hnet.train.lr has no values"),
        ({"sweep": {"hnet": {"train.lr": ["fast"]}}}, "sweep.hnet.train.lr is 'fast'"),
        ({"sweep": {"hnet": {"train.max_steps": [1.5]}}}, "train.max_steps is 1.5"),
        ({"sweep": {"hnet": {"train.lr": [None]}}}, "train.lr is None"),
        ({"sweep": {"hnet": {"train.seed": [1]}}}, "list the seeds under 'seeds'"),
        ({"sweep": {"hnet": {"train.lr": [1, 1.0]}}}, "would be called 'hnet-lr1'"),
        ({"sweep": {"hnet": {"train.lr": [-1]}}}, "arm 'hnet-lr-1': train.lr is -1"),
        ({"recipes": {"hnt": {"lr": 1}}}, "recipes.hnt is of no arm; did you mean 'hnet'"),
        (
            {"recipes": {"hnet": {"lrr": 1}}},
            "recipes.hnet.lrr is an unknown key; did you mean 'lr'",
        ),
        ({"recipes": {"hnet": {"threads": 1}}}, "all arms of a study share train.threads"),
        ({"train": TrainConfig(devices=2)}, "an arm of a study is trained on one device"),
        ({"flop_budget": -1.0}, "flop_budget is -1"),
        ({"flop_budget": 10.0}, "but one step costs"),
        ({"flop_budget": 1e12, "recipes": {"hnet": {"max_steps": 1}}}, "max_steps of its own"),
    ],
)
def test_mistakes(fields, says):
    with pytest.raises(UserError, match=says):
        study(**fields).check()


def test_no_torch_is_needed():
    program = (
        "import sys\n"
        "from genomenet.study.config import StudyConfig\n"
        "from genomenet.training.config import DataConfig\n"
        "StudyConfig(presets=['laptop-hnet-mamba2'], data=DataConfig(mock=True),\n"
        "    flop_budget=1e13, sweep={'laptop-hnet-mamba2': {'train.lr': [1e-3]}}).check()\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
