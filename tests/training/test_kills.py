"""A run that is killed again and again ends as one that was left alone, bit for bit."""

import pytest
import torch

from tests.training.kills import RECIPE, differences, run_to_the_end, run_with_kills, unequal
from tests.training.processes import run

SHORT = [*RECIPE, "--train.max_steps", "10", "--model.d_model", "64"]


def killed_runs(folder, recipe, seconds, kills: int, seed: int) -> list:
    """Kill runs until so many kills have met one, and compare each with the undisturbed one."""
    met, number = [], 0
    while len(met) < kills:  # a run that ends before all kills are spent is followed by another
        out = folder / str(number)
        met += run_with_kills(out, recipe, seconds, kills - len(met), seed + number)
        run_to_the_end(out, recipe)
        assert differences(folder / "whole", out) == []
        number += 1
    return met


def test_a_run_killed_three_times(tmp_path):
    run(["--version"])
    seconds = run_to_the_end(tmp_path / "whole", SHORT)
    assert len(killed_runs(tmp_path, SHORT, seconds, kills=3, seed=0)) == 3


@pytest.mark.slow
def test_a_run_killed_twenty_times(tmp_path):
    run(["--version"])
    seconds = run_to_the_end(tmp_path / "whole", RECIPE)
    met = killed_runs(tmp_path, RECIPE, seconds, kills=20, seed=1)
    assert len(met) == 20
    within = [kill for kill in met if {"last", "index", "best"} & set(kill.unfinished)]
    assert len(within) >= 3, "several fall within the writing of checkpoints"


def test_the_comparison_sees_a_bit():
    state = {"a": [torch.zeros(3), {"b": 1.0}], "c": (1, "x")}
    assert list(unequal(state, state)) == []
    for other, place in (
        ({**state, "a": [torch.tensor([0, 0, 1e-45]), {"b": 1.0}]}, "/a/0"),
        ({**state, "a": [torch.zeros(3).double(), {"b": 1.0}]}, "/a/0"),
        ({**state, "a": [torch.zeros(3), {"b": 1}]}, "/a/1/b"),
        ({**state, "a": [torch.zeros(3)]}, "/a"),
        ({"a": state["a"]}, "/c"),
    ):
        assert list(unequal(state, other)) == [place]
        assert list(unequal(other, state)) == [place]
