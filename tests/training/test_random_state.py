"""Random numbers of a resumed run are those that the undisturbed one would have drawn."""

import random

import numpy as np
import pytest
import torch
from torch import distributed

from genomenet.training.module import GenomeModule
from genomenet.training.random_state import RandomState, random_state, set_random_state
from genomenet.training.run import resume, train
from tests.training.kills import differences
from tests.training.test_run import Killed, kill_after


def draw() -> list:
    return [
        torch.rand(3).tolist(),
        torch.randn(3).tolist(),
        np.random.rand(3).tolist(),  # noqa: NPY002
        np.random.randn(3).tolist(),  # noqa: NPY002
        random.random(),
        random.gauss(0, 1),
    ]


def test_streams_go_on_after_a_checkpoint(tmp_path):
    draw()
    torch.save(random_state(), tmp_path / "state")
    expected = draw()
    draw()
    set_random_state(torch.load(tmp_path / "state", weights_only=True))
    assert draw() == expected


def test_noise_in_training_resumes_bit_for_bit(make_config, tmp_path, monkeypatch):
    """No layer draws from global streams today; one that does would resume exactly too."""
    original = GenomeModule.training_step

    def noisy(self, batch, batch_idx):
        noise = torch.rand(()) + np.random.rand() + random.random()  # noqa: NPY002
        return original(self, batch, batch_idx) * noise

    monkeypatch.setattr(GenomeModule, "training_step", noisy)
    config = make_config(checkpoint_every=2)
    train(config, tmp_path / "whole", "", progress=False)
    with monkeypatch.context() as patch:
        kill_after(patch, 4)
        with pytest.raises(Killed):
            train(config, tmp_path / "killed", "", progress=False)
    resume(tmp_path / "killed", progress=False)
    assert differences(tmp_path / "whole", tmp_path / "killed") == []


class Trainer:
    def __init__(self, rank: int):
        self.global_rank = rank


def test_every_rank_has_its_own_streams(monkeypatch):
    """A rank that was not there before keeps the streams that its seed gave it."""
    draws = []

    def gather(into, own):
        into[:] = [own, *others]

    torch.manual_seed(5)
    others = [random_state()]
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(distributed, "all_gather_object", gather)
    torch.manual_seed(4)
    kept = RandomState().state_dict()
    for rank, seed in ((0, 4), (1, 5), (2, 6)):
        torch.manual_seed(6)
        callback = RandomState()
        callback.load_state_dict(kept)
        callback.on_train_start(Trainer(rank), None)
        draws.append(torch.rand(2).tolist())
        torch.manual_seed(seed)
        assert torch.rand(2).tolist() == draws[-1], rank
