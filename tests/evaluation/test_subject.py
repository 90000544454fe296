"""Subjects: a run's model, its untrained twin, and what they are called."""

import dataclasses

import pytest
import torch

from genomenet.errors import UserError
from genomenet.evaluation.subject import (
    require_different_names,
    run_subject,
    short_names,
    untrained_twin,
)
from genomenet.training.run import train
from tests.evaluation.subjects import tiny_subject


def weights(subject):
    return torch.cat([p.detach().flatten() for p in subject.model.parameters()])


def test_a_run_and_its_twin(make_config, tmp_path):
    train(make_config(max_steps=2), tmp_path / "hnet-seed3", "", progress=False)
    subject = run_subject(tmp_path / "hnet-seed3")
    assert (subject.name, subject.arm, subject.seed) == ("hnet-seed3", "hnet", 3)
    state = torch.get_rng_state()
    twin = subject.untrained(5)
    assert torch.equal(torch.get_rng_state(), state)
    assert (twin.name, twin.seed) == ("hnet-seed3, untrained", 5)
    assert torch.equal(weights(twin), weights(untrained_twin(tmp_path / "hnet-seed3", 5)))
    assert not torch.equal(weights(twin), weights(subject.untrained(6)))
    assert weights(twin).shape == weights(subject).shape
    assert not torch.equal(weights(twin), weights(subject))


def test_names_of_a_study():
    seeds = [
        dataclasses.replace(tiny_subject("mamba2"), name=f"{arm}-seed{seed}", arm=arm, seed=seed)
        for arm, seed in (("a", 0), ("a", 1), ("b", 0))
    ]
    assert [one.name for one in short_names(seeds)] == ["a-seed0", "a-seed1", "b"]
    with pytest.raises(UserError, match="two models are called 'b'"):
        require_different_names([seeds[0], *short_names(seeds[2:]), *short_names(seeds[2:])])
