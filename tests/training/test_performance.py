"""Throughput of a run beside its FLOPs, its memory and what the machine can do."""

import pytest
import torch

from genomenet.models.flops import flops_per_base
from genomenet.training.performance import matmul_flops_per_second, peak_memory_bytes
from genomenet.training.run import train
from genomenet.training.tables import read_table

CPU = torch.device("cpu")


@pytest.mark.parametrize("layout", ["M2", "m1 + T1 + m1"])
def test_flops_are_those_of_the_achieved_rate(make_config, tmp_path, layout):
    config = make_config(model={"layout": layout})
    train(config, tmp_path / "run", "", progress=False)
    for row in read_table(tmp_path / "run/train.csv"):
        rates = [float(row["chunk/bases_per_chunk/stage0"])] if "+" in layout else None
        flops = flops_per_base(config.model, config.data.max_length, rates).training
        per_base = float(row["perf/flops_per_second"]) / float(row["perf/bases_per_second"])
        assert per_base == pytest.approx(flops, rel=1e-5)
        assert 0 < float(row["perf/model_flops_utilisation"]) < 1
        assert 1e7 < float(row["perf/peak_memory_bytes"]) < 1e12


def test_a_product_of_matrices_is_within_reach():
    assert 1e8 < matmul_flops_per_second(CPU, torch.float32) < 1e15


def test_peak_memory_counts_what_is_held():
    held = torch.ones(200_000_000, dtype=torch.uint8)
    assert len(held) < peak_memory_bytes(CPU) < 1e12


def test_recomputed_activations_change_no_weight(make_config, tmp_path):
    summaries = [
        train(
            make_config(activation_checkpointing=again, model={"layout": "m1 + E1T1 + m1"}),
            tmp_path / f"run{again}", "", progress=False,
        )
        for again in (False, True)
    ]  # fmt: skip
    assert summaries[0].valid_nats == summaries[1].valid_nats
