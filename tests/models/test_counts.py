"""Parameter and FLOP counts against the models themselves and the published table."""

import pytest
import torch

from genomenet.models.config import ModelConfig
from genomenet.models.counts import count_parameters, flops_per_base
from genomenet.models.language_model import LanguageModel
from genomenet.models.presets import model_presets
from tests.models.arms import ARMS

HG38 = {
    # preset: parameters in millions (H-Net Table 5), MFLOPs per base at 1,024
    "hg38-transformer": (29.17, 77.4),
    "hg38-mamba2": (33.20, 74.2),
    "hg38-hnet-transformer": (64.49, 75.8),
    "hg38-hnet-mamba2": (65.71, 77.0),
}


@pytest.mark.parametrize("name", ARMS)
def test_count_equals_the_model(name):
    model = LanguageModel(ARMS[name])
    assert count_parameters(ARMS[name]) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", HG38)
def test_hg38_presets(name):
    config = dict(model_presets())[name].check()
    parameters, flops = HG38[name]
    assert count_parameters(config) == pytest.approx(parameters * 1e6, rel=1e-3)
    assert flops_per_base(config, 1024).total == pytest.approx(flops * 1e6, rel=2e-3)
    assert config.source
    assert set(config.guessed) <= set(vars(config))


@pytest.mark.parametrize("name", HG38)
def test_hg38_presets_build(name):
    config = dict(model_presets())[name]
    with torch.device("meta"):
        model = LanguageModel(config)
    assert sum(p.numel() for p in model.parameters()) == count_parameters(config)


def test_flops_by_hand():
    """One attention layer without MLP: every term of appendix B, written out."""
    config = ModelConfig(layout="t1", d_model=8, head_dim=4, vocab_size=5)
    length, d = 10, 8
    attention = 6 * d * d + 2 * length * d + 3 * 2 * length + 2 * length * d + 2 * d * d
    assert flops_per_base(config, length).total == 4 * 5 * d + attention
    windowed = ModelConfig(layout="t1", d_model=8, head_dim=4, vocab_size=5, window=3)
    assert flops_per_base(windowed, length).attention == 8 * d * d + 4 * d * 4 + 3 * 2 * 4


def test_linear_layers_match_torchs_own_counter():
    from torch.utils.flop_counter import FlopCounterMode

    config = ModelConfig(layout="T1t1", d_model=16, head_dim=8, vocab_size=5)
    model, length = LanguageModel(config), 64
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, length, dtype=torch.long))
    heads, d, layers = 2, 16, 2
    # Not linear layers: the look-up, attention's products and softmax, and the MLP's gate.
    others = 2 * config.vocab_size * d + layers * (4 * length * d + 3 * heads * length) + 5 * d
    expected = flops_per_base(config, length).total - others
    assert counter.get_total_flops() / length == pytest.approx(expected)


def test_achieved_rate_changes_only_the_inside():
    config = ARMS["hnet mamba2"]
    slow, fast = (flops_per_base(config, 1024, [rate]) for rate in (2.0, 8.0))
    assert fast.attention == slow.attention
    inner = flops_per_base(ModelConfig(**{**vars(config), "layout": "M2"}), 1024)
    assert slow.mlp - fast.mlp == pytest.approx(inner.mlp * (1 / 2 - 1 / 8))
