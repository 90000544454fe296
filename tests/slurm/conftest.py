"""What tests on Slurm share: the Slurm, a study to run on it, and `genomenet` as a command."""

import sys
from pathlib import Path

import pytest
import yaml

import genomenet
from genomenet.genome.importer import import_genome
from tests.slurm.local_slurm import local_slurm

ROOT = Path(genomenet.__file__).parents[1]
DEMO = ROOT / "data_prep" / "demo" / "human_chr20_42M_46M"
SMALL = {"d_model": 16, "head_dim": 8, "d_state": 8, "mamba_head_dim": 16}


@pytest.fixture
def slurm(tmp_path_factory):
    # A short path, for the sake of sockets.
    with local_slurm(tmp_path_factory.mktemp("s") / "r") as found:
        command = found.folder / "bin" / "genomenet"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m genomenet "$@"\n')
        command.chmod(0o755)
        found.environment["PYTHONPATH"] = str(ROOT)
        found.environment["MASTER_ADDR"] = "127.0.0.1"  # the node's name means nothing to others
        yield found


@pytest.fixture
def study_file(tmp_path):
    """A study of two arms that train for about a minute each, one thread an arm."""
    import_genome([DEMO.with_suffix(".fa.gz")], tmp_path / "genome")
    path = tmp_path / "study.yaml"
    study = {
        "name": "disturbed",
        "data": {
            "genome": str(tmp_path / "genome"),
            "max_length": 256,
            "split": {"valid_fraction": 0.05, "test_fraction": 0.05},
        },
        "train": {
            "max_steps": 1000, "global_batch_size": 2, "valid_every": 250, "valid_windows": 4,
            "checkpoint_every": 20, "accelerator": "cpu", "threads": 1,
        },
        "arms": {
            "grid": {**SMALL, "layout": "m1 + M1 + m1", "chunker": "fixed"},
            "hnet": {**SMALL, "layout": "m1 + M1 + m1"},
        },
        "markov_order": 3,
        "test_windows": 64,
        "workflow": {"evaluate": False, "probe": False},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(study))
    return path
