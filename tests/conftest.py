"""What many tests share: a small imported genome and configs of runs that take seconds."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from genomenet.genome.importer import import_genome
from genomenet.genome.store import GenomeStore
from genomenet.models.config import ModelConfig
from genomenet.training.config import DataConfig, RunConfig, SplitConfig, TrainConfig
from tests.genome.files import fasta_text, write

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


@pytest.fixture(scope="session")
def fasta(tmp_path_factory) -> Path:
    """60,000 bases in two contigs: a repeated motif in noise, soft-masked where it repeats."""
    rng = np.random.default_rng(5)
    motif = "".join(rng.choice(list("acgt"), 40))
    lines = []
    for name, pieces in (("one", 400), ("two", 200)):
        body = "".join("".join(rng.choice(list("ACGT"), 60)) + motif for _ in range(pieces))
        lines += [f">{name}", *(body[i : i + 70] for i in range(0, len(body), 70))]
    path = tmp_path_factory.mktemp("fasta") / "tiny.fa"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def genome_folder(fasta, tmp_path_factory) -> Path:
    """The FASTA above, imported."""
    folder = tmp_path_factory.mktemp("genome") / "tiny"
    import_genome([fasta], folder)
    return folder


@pytest.fixture
def make_config(genome_folder):
    """Build a RunConfig that trains in about a second: `make_config(layout=..., max_steps=...)`."""

    def make(genome=genome_folder, data=None, model=None, **train) -> RunConfig:
        small = {
            "layout": "m1 + T1 + m1",
            "d_model": 16,
            "head_dim": 8,
            "d_state": 8,
            "mamba_head_dim": 16,
        }
        recipe = {
            "max_steps": 8,
            "global_batch_size": 4,
            "micro_batch_size": 2,
            "valid_every": 3,
            "valid_windows": 4,
            "threads": 1,
            "accelerator": "cpu",
        }
        split = SplitConfig(block_bp=5000, valid_fraction=0.2, test_fraction=0.2)
        return RunConfig(
            ModelConfig(**{**small, **(model or {})}),
            DataConfig(
                **{"genome": str(genome), "max_length": 128, "split": split, **(data or {})}
            ),
            TrainConfig(**{**recipe, **train}),
        )

    return make


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[[dict[str, str]], GenomeStore]:
    def make(records: dict[str, str]) -> GenomeStore:
        folder = tmp_path / f"made{len(list(tmp_path.iterdir()))}"
        source = write(tmp_path / f"{folder.name}.fa", fasta_text(records))
        return import_genome([source], folder)

    return make
