"""Frozen dataclasses through JSON and back, with what does not fit named."""

import dataclasses
import json
import math
from dataclasses import dataclass, field

import pytest

from genomenet.json_records import from_plain, to_plain
from genomenet.models.config import ModelConfig
from genomenet.study.config import StudyConfig
from genomenet.training.calibration_config import CalibrateConfig


@dataclass(frozen=True)
class Everything:
    name: str
    values: tuple[float, ...]
    words: list[str] = field(default_factory=list)
    free: dict[str, dict] = field(default_factory=dict)
    either: float | list[float] = 1.0


def through_json(record):
    return json.loads(json.dumps(to_plain(dataclasses.asdict(record)), allow_nan=False))


def test_there_and_back():
    record = Everything("a", (1.5, math.nan), ["x"], {"arm": {"lr": 1e-3}}, [1.0, 2.0])
    found = from_plain(Everything, through_json(record), "it")
    assert math.isnan(found.values[1])
    assert dataclasses.replace(found, values=()) == dataclasses.replace(record, values=())


def test_what_has_a_default_may_be_missing():
    assert from_plain(Everything, {"name": "a", "values": []}, "it") == Everything("a", ())


def test_a_whole_study_config():
    config = StudyConfig(
        arms={
            "a": ModelConfig(targets=[3, 2], d_model=[64, 128, 192], chunker=["learned", "fixed"])
        },
        patchers={"p": CalibrateConfig(target=3)},
        recipes={"a": {"lr": 1e-3, "ratio_weight": [0.1, 0.2]}},
        sweep={"a": {"model.targets": [[3, 2], [4, 2]]}},
    )
    assert from_plain(StudyConfig, through_json(config), "study.json") == config


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"name": "a", "values": [], "words": ["x", 1]}, r"it\.words\[1\] is int"),
        ({"name": "a", "values": [], "words": "x"}, r"it\.words is str"),
        ({"name": "a", "values": [], "free": {"arm": 1}}, r"it\.free\.arm is int"),
        ({"name": "a"}, "it lacks 'values'"),
        ({"name": "a", "values": [], "more": 1}, "unknown key 'more'"),
    ],
)
def test_what_does_not_fit_is_named(content, says):
    with pytest.raises((TypeError, ValueError), match=says):
        from_plain(Everything, content, "it")
