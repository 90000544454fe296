"""Every laptop preset trains on the demo's bases, resumes from its file, and is scored."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from genomenet.evaluation.run import evaluate_run
from genomenet.genome.importer import import_genome
from genomenet.genome.intervals import Interval
from genomenet.models.check import patcher_kind
from genomenet.models.presets import find_model, model_presets
from genomenet.training.calibrate import calibrate
from genomenet.training.calibration_config import CalibrateConfig
from genomenet.training.config import DataConfig, RunConfig, SplitConfig, TrainConfig
from genomenet.training.inputs import open_data
from genomenet.training.run import train
from genomenet.training.weights import load_model

DEMO = Path(__file__).parents[2] / "data_prep" / "demo" / "human_chr20_42M_46M.fa.gz"
CONTIG = "chr20_42M_46M"
LAPTOP = {name: model for name, model in model_presets() if name.startswith("laptop-")}
RECIPE = TrainConfig(
    max_steps=2, global_batch_size=1, valid_every=2, valid_windows=1, threads=1, accelerator="cpu"
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> DataConfig:
    """The demo genome, with a made-up score for every 50 bases."""
    folder = tmp_path_factory.mktemp("demo")
    import_genome([DEMO], folder / "genome")
    scores = np.random.default_rng(0).normal(size=80_000)
    rows = (f"{CONTIG}\t{50 * i}\t{50 * i + 50}\t{score:.4f}\n" for i, score in enumerate(scores))
    (folder / "scores.bedGraph").write_text("".join(rows))
    return DataConfig(
        genome=str(folder / "genome"),
        track=str(folder / "scores.bedGraph"),
        max_length=256,
        split=SplitConfig(valid_fraction=0.05, test_fraction=0.05),
    )


@pytest.fixture(scope="module")
def patchers(demo, tmp_path_factory):
    """A function that makes the patcher a preset asks for, each once."""
    folder, made = tmp_path_factory.mktemp("patchers"), {}

    def patcher(kind: str, target: float, max_chunk: int) -> str:
        key = f"{kind}-{target:g}-{max_chunk}"
        if key in made:
            return made[key]
        settings = {"kind": kind, "target": target, "max_chunk": max_chunk, "data": demo}
        if kind == "entropy":
            run = folder / "entropy-model"
            if not run.exists():
                model = find_model("laptop-entropy-model")
                train(RunConfig(model, demo, RECIPE), run, "test", progress=False)
            settings["entropy_model"] = str(run)
        if kind == "bpe":
            settings |= {"vocab_size": 256, "target": 4.0, "max_chunk": 0}
        calibrate(CalibrateConfig(**settings, sample_bp=20_000), folder / key, "test")
        made[key] = str(folder / key)
        return made[key]

    return patcher


@pytest.mark.parametrize("name", LAPTOP)
def test_preset_trains_on_the_demo(name, demo, patchers, tmp_path):
    model = LAPTOP[name]
    if kind := patcher_kind(model):
        target, longest = model.target(0), int(model.of_stage("max_chunk", 0))
        model = replace(model, patcher=patchers(kind, target, longest))
    train(RunConfig(model, demo, RECIPE), tmp_path / "run", "test", progress=False)
    trained, _ = load_model(tmp_path / "run", "final")
    torch.manual_seed(RECIPE.seed)
    moved = [
        not torch.equal(before, after)
        for before, after in zip(
            type(trained)(model).parameters(), trained.parameters(), strict=True
        )
    ]
    assert any(moved)
    genome, _ = open_data(demo)
    found = evaluate_run(tmp_path / "run", "final", genome, [Interval(CONTIG, 50_000, 50_512)])
    assert found.bases == 512
    assert 1.0 < found.nats < 2 * math.log(4)
    assert found.flops_per_base > 0
