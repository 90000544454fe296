"""The shipped models: they agree with themselves, can be built, and cost what they should."""

from dataclasses import fields, replace

import pytest
import torch

from genomenet.errors import UserError
from genomenet.models.check import PATCHED
from genomenet.models.config import ModelConfig
from genomenet.models.flops import flops_per_base
from genomenet.models.language_model import LanguageModel
from genomenet.models.parameters import count_parameters
from genomenet.models.presets import find_model, model_presets, model_yaml

PRESETS = dict(model_presets())
LAPTOP = [name for name in PRESETS if name.startswith("laptop-")]
ARMS = [name for name in LAPTOP if name != "laptop-entropy-model"]

GFLOPS_PER_BYTE = {
    # H-Net's table 2, at the achieved rates that table 1 prints; a window of 8,192 bytes.
    "gpt3-large-transformer": (0.42, [4.6]),
    "gpt3-large-llamabyte-global": (0.95, []),
    "gpt3-large-mambabyte": (0.42, []),
    "gpt3-large-spacebytepp": (0.42, [6.0]),
    "gpt3-large-hnet-pool": (0.42, [6.0]),
    "gpt3-large-hnet-space": (0.42, [6.0]),
    "gpt3-large-hnet-1stage": (0.43, [4.8]),
    "gpt3-large-hnet-2stage": (0.43, [2.5, 2.8]),
    "gpt3-xl-transformer": (0.69, [4.6]),
    "gpt3-xl-hnet-1stage": (0.72, [4.7]),
}


def without_patcher(config: ModelConfig) -> ModelConfig:
    """The model with a grid where it needs a patcher: neither has parameters."""
    if config.networks().stages and config.chunker_of(0) in PATCHED:
        return replace(config, chunker="fixed", targets=4)
    return config


@pytest.mark.parametrize("name", PRESETS)
def test_is_consistent_and_has_the_parameters_that_are_counted(name):
    config = PRESETS[name].check()
    assert config.source
    assert set(config.guessed) <= {field.name for field in fields(ModelConfig)}
    with torch.device("meta"):
        model = LanguageModel(without_patcher(config))
    assert sum(p.numel() for p in model.parameters()) == count_parameters(config)


@pytest.mark.parametrize("name", GFLOPS_PER_BYTE)
def test_published_flops(name):
    """To 3%: the paper counts neither routing nor the residual projection, and rounds."""
    gigaflops, rates = GFLOPS_PER_BYTE[name]
    found = flops_per_base(PRESETS[name], 8192, rates or None).total
    assert found / 1e9 == pytest.approx(gigaflops, rel=0.03)


@pytest.mark.parametrize(
    ("name", "megaflops"),
    [
        ("hg38-transformer", 77.4),
        ("hg38-mamba2", 74.2),
        ("hg38-hnet-transformer", 75.8),
        ("hg38-hnet-mamba2", 77.0),
        ("hg38-ablation-m4-transformer", 71.5),
    ],
)
def test_flops_of_the_human_genome_experiment(name, megaflops):
    found = flops_per_base(PRESETS[name], 1024).total
    assert found == pytest.approx(megaflops * 1e6, rel=2e-3)


def test_laptop_arms_have_equal_flops():
    costs = {name: flops_per_base(PRESETS[name], 1024).model for name in ARMS}
    middle = costs["laptop-transformer-windowed"]
    assert {name: cost / middle for name, cost in costs.items()} == pytest.approx(
        dict.fromkeys(costs, 1.0), rel=0.03
    )


@pytest.mark.parametrize("name", LAPTOP)
def test_laptop_models_are_small_and_run(name):
    config = without_patcher(PRESETS[name])
    assert 1e5 < count_parameters(config) < 1.6e6
    model = LanguageModel(config)
    tokens = torch.randint(0, 5, (1, 64))
    masked = torch.rand(1, 64) > 0.5
    with torch.no_grad():
        logits = model(tokens, masked_BL=masked).logits
    assert logits.shape == (1, 64, config.vocab_size)
    assert torch.isfinite(logits).all()


def test_a_preset_may_hold_a_recipe():
    assert find_model("dnahnet-2stage").targets == [3, 2]


@pytest.mark.parametrize("name", ["blt-8b", "laptop-hnet-2stage", "hg38-hnet-mamba2"])
def test_written_and_read_back(tmp_path, name):
    file = tmp_path / "mine.yaml"
    file.write_text(model_yaml(PRESETS[name]))
    assert find_model(str(file)) == PRESETS[name]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("train: {}\n", "has no model"),
        ("model: T9\n", "has no model"),
        ("model: [\n", "not valid YAML"),
        ("model:\n  d_modle: 8\n", "unknown key 'model.d_modle'; did you mean 'd_model'?"),
    ],
)
def test_refuses_what_is_no_model(tmp_path, text, says):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        find_model(str(file))
    assert says in str(error.value)
