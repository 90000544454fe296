"""The roofline against sums by hand, its limits, and the count of FLOPs."""

from dataclasses import replace

import pytest

from genomenet.models.config import ModelConfig
from genomenet.models.devices import DEVICES, REACHED
from genomenet.models.flops import TRAINING_OVER_FORWARD, flops_per_base
from genomenet.models.memory import Kernels, Step
from genomenet.models.presets import find_model, model_presets
from genomenet.models.speed import BACKWARD, Op, layer_ops, training_speed

H100 = DEVICES["H100"]
HALF = Kernels(half=True, packaged=True)
ALL = dict.fromkeys(REACHED, 1.0)


def test_an_mlp_by_hand():
    """Two products, limited by computing when memory is free and by bytes when computing is."""
    config = ModelConfig(layout="T1", d_model=64, mlp_width_attention=128)
    ops = [op for op in layer_ops("T", config.stage(0), 100.0, HALF) if op.part == "mlp"]
    products = [op for op in ops if op.kind == "product"]
    assert products == [
        Op("product", 2 * 64 * 256, 2 * (64 + 256), "mlp"),
        Op("product", 2 * 128 * 64, 2 * (128 + 64), "mlp"),
    ]
    step = Step(4, 100, kernels=HALF)
    free = replace(H100, memory_bytes_per_second=1e30)
    seconds = sum(op.flops for op in products) / H100.half_flops
    seconds += sum(op.flops for op in ops if op.kind == "memory") / H100.float_flops
    found = training_speed(config, step, free, ALL)
    assert found.by_part["mlp"] == pytest.approx((1 + BACKWARD) * seconds)
    fast = replace(H100, half_flops=1e30, float_flops=1e30)
    moved = sum(op.moved for op in ops) / H100.memory_bytes_per_second
    found = training_speed(config, step, fast, ALL)
    assert found.by_part["mlp"] == pytest.approx((1 + BACKWARD) * moved)
    assert set(found.by_limit) == {"memory"}


@pytest.mark.parametrize("name", ["hg38-mamba2", "hg38-transformer", "gpt3-large-llamabyte-moe"])
def test_operations_are_those_that_are_counted_as_flops(name):
    config, length = find_model(name), 2048
    counted = flops_per_base(config, length)
    found = dict.fromkeys(("mamba", "attention", "mlp"), 0.0)
    for letter in config.networks().main:
        for op in layer_ops(letter, config.stage(0), length, HALF):
            found[op.part] += op.flops
    assert found["mlp"] == pytest.approx(counted.mlp, rel=0.02)
    # Causal attention is counted in full there, and as what it computes here.
    assert found["attention"] <= 1.02 * counted.attention
    # The scan by blocks of 256 does more than the recurrence that is counted.
    assert counted.mamba * 0.98 <= found["mamba"] <= counted.mamba * 1.5


@pytest.mark.parametrize(("name", "config"), [p for p in model_presets() if "entropy" not in p[0]])
def test_nothing_exceeds_the_bound_or_the_peak(name, config):
    step = Step(2, 4096, kernels=HALF)
    expected = training_speed(config, step, H100)
    bound = training_speed(config, step, H100, ALL)
    assert 0 < expected.bases_per_second < bound.bases_per_second
    # What flops_per_base counts of matrix products alone takes at least this long.
    products = flops_per_base(config, 4096).mlp * TRAINING_OVER_FORWARD / H100.half_flops
    assert bound.bases_per_second * products < 1.02
    assert sum(bound.by_limit.values()) == pytest.approx(sum(bound.by_part.values()))


def test_checkpointing_and_float32_cost_time_and_tensor_floats_save_it():
    config = find_model("hg38-hnet-transformer")
    step = Step(2, 4096, kernels=HALF)
    fast = training_speed(config, step, H100).bases_per_second
    again = training_speed(config, replace(step, activation_checkpointing=True), H100)
    assert 0.7 < again.bases_per_second / fast < 0.8
    exact = training_speed(config, replace(step, kernels=Kernels(packaged=True)), H100)
    tensor = Kernels(packaged=True, tensor_float=True)
    middle = training_speed(config, replace(step, kernels=tensor), H100)
    assert exact.bases_per_second < middle.bases_per_second < fast
