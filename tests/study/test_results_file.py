"""Tests of study/results.py and study/results_file.py: round trip and refusals."""

import dataclasses
import json
import math

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.study.results_file import load_study, save_study
from tests.study.example_study import arm_run, likelihood, make_study


def test_round_trip_is_exact(tmp_path):
    study = make_study(seeds=(1,))
    save_study(study, tmp_path / "results.json")
    assert load_study(tmp_path / "results.json") == study


def test_a_diverged_run_and_numpy_scalars_survive(tmp_path):
    run = arm_run("m", 1)
    broken = dataclasses.replace(run.curve[0], nats=math.nan, step=np.int64(7))
    study = make_study(runs=[dataclasses.replace(run, curve=(broken,), before_decay=None)])
    save_study(study, tmp_path / "r.json")
    point = load_study(tmp_path / "r.json").runs[0].curve[0]
    assert math.isnan(point.nats)
    assert point.step == 7


def edit(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.update(format=2), "format 2"),
        (lambda d: d.pop("format"), "format None"),
        (lambda d: d.pop("genome"), "lacks 'genome'"),
        (lambda d: d.update(colour=1), "unknown key 'colour'"),
        (lambda d: d["runs"][0].update(family="tree"), r"runs\[0\].family is 'tree'"),
        (lambda d: d["runs"][0]["final"].update(bases=5), "'bases' says 5"),
        (lambda d: d["runs"][0]["final"].update(nats=9.0), "'nats' says 9.0"),
        (lambda d: d.update(runs=3), "study.runs is int"),
        (lambda d: d["example"]["soft_mask"].append([1]), "1 entries instead of 2"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, change, says):
    path = tmp_path / "results.json"
    save_study(make_study(seeds=(1,)), path)
    edit(path, change)
    with pytest.raises(UserError, match=says) as caught:
        load_study(path)
    assert str(path) in str(caught.value)


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nothing\.json cannot be read"):
        load_study(tmp_path / "nothing.json")
    (tmp_path / "half.json").write_text('{"format": 1, "na')
    with pytest.raises(UserError, match=r"half\.json is not JSON"):
        load_study(tmp_path / "half.json")


def test_windows_must_agree_with_totals():
    good = likelihood("final", 1.2, 1)
    with pytest.raises(ValueError, match="windows have nats"):
        dataclasses.replace(good, window_nats=good.window_nats[1:])
