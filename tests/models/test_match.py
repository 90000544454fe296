"""Models resized to a budget: no other size comes nearer, and nothing else changes."""

from dataclasses import replace

import pytest

from genomenet.errors import UserError
from genomenet.models.config import ModelConfig
from genomenet.models.flops import flops_per_base
from genomenet.models.match import match_flops, with_layers, with_width
from genomenet.models.presets import find_model


def cost(config: ModelConfig) -> float:
    return flops_per_base(config, 1024).total


@pytest.mark.parametrize("name", ["laptop-hnet-mamba2", "hg38-transformer", "laptop-blt-fixed"])
@pytest.mark.parametrize("factor", [0.4, 1.0, 2.7])
def test_no_other_depth_comes_nearer(name, factor):
    config = find_model(name)
    budget = factor * cost(config)
    found = match_flops(config, budget, "depth", 1024)
    layers = len(found.config.networks().main)
    off = abs(found.residual)
    assert found.flops_per_base == cost(found.config)
    assert found.residual == pytest.approx(found.flops_per_base / budget - 1)
    for other in {max(1, layers - 1), layers + 1}:
        assert abs(cost(with_layers(config, other)) / budget - 1) >= off
    if factor == 1.0:
        assert found.config.networks() == config.networks()


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_no_other_width_comes_nearer(factor):
    config = find_model("laptop-hnet-transformer")
    budget = factor * cost(config)
    found = match_flops(config, budget, "width", 1024)
    heads = found.config.stage(1).d_model // 32
    for other in (heads - 1, heads + 1):
        variant = with_width(config, other)
        if variant is not None:
            assert abs(cost(variant) / budget - 1) >= abs(found.residual)
    assert found.config.stage(0) == config.stage(0), "only the main network changes"


@pytest.mark.parametrize(
    ("layout", "layers", "expected"),
    [
        ("T9", 2, "T2"),
        ("T1", 4, "T4"),
        ("m2 + M3T1M3T1 + m1", 6, "m2 + M3T1M2 + m1"),
        ("M3T1M3T1M2", 12, "M3T1M3T1M3T1"),
        ("m4 + T1M13T1 + m4", 5, "m4 + T1M3T1 + m4"),
        ("m4 + T1M13T1 + m4", 17, "m4 + T1M15T1 + m4"),
        ("T1M2", 5, "T1M4"),
        ("T1M2T1", 1, "T1"),
    ],
)
def test_depth_goes_on_with_the_pattern(layout, layers, expected):
    assert with_layers(ModelConfig(layout=layout), layers).layout == expected


def test_depth_keeps_what_the_papers_letters_mean():
    config = find_model("hg38-hnet-mamba2")
    assert with_layers(config, 15).networks() == config.networks()


def test_widths_keep_to_heads_and_to_the_stage_outside():
    config = ModelConfig(layout="m1 + T2 + m1", d_model=128, head_dim=32, mlp_width_attention=256)
    wider = with_width(config, 6)
    assert wider is not None
    assert wider.d_model == [128, 192]
    assert wider.mlp_width_attention == [256, 384]
    assert with_width(config, 3) is None, "narrower than the stage outside"
    assert with_width(replace(config, layout="M1T1", mamba_head_dim=128), 3) is None


def test_nearest_is_the_smallest_when_even_that_costs_more():
    config = find_model("laptop-hnet-grid")
    found = match_flops(config, 10.0, "depth", 1024)
    assert found.config.networks().main == "T"
    assert found.residual > 1000


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan")])
def test_refuses_a_budget_of_nothing(budget):
    with pytest.raises(UserError, match="give a number above 0"):
        match_flops(find_model("laptop-moe"), budget, "depth", 1024)


def test_refuses_a_budget_without_end():
    with pytest.raises(UserError, match="inf"):
        match_flops(find_model("laptop-moe"), float("inf"), "depth", 1024)


def test_widths_without_attention_take_the_steps_that_mamba_heads_allow():
    config = ModelConfig(layout="m1 + M2 + m1", d_model=64, mamba_head_dim=32)
    assert with_width(config, 5).d_model == [64, 80]
    found = match_flops(config, 1.3 * cost(config), "width", 1024)
    assert abs(found.residual) < 0.1
