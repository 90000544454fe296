"""When a ratio has become too small, and what is said of it."""

import sys

import pytest
import smoke
from smoke import again, record, recorded_ratios, shortfalls

RECORDED = {"ssd": 2.0, "conv": 1.0}


def test_ratios_within_the_tolerance_pass():
    assert shortfalls(RECORDED, {"ssd": 1.41, "conv": 9.0}, 0.3) == {}


def test_a_ratio_past_the_tolerance_is_named_with_both_figures():
    assert shortfalls(RECORDED, {"ssd": 1.39, "conv": 1.0}, 0.3) == {
        "ssd": "ssd: x1.39, recorded as x2.00: 31% less, and 30% is allowed"
    }


def test_ratios_that_one_side_lacks_are_told():
    lines = shortfalls(RECORDED, {"conv": 1.0, "ema": 3.0}, 0.3)
    assert lines == {
        "ssd": "ssd: recorded as x2.00, but not measured any more",
        "ema": "ema: x3.00, but none is recorded; record with --save",
    }


def test_only_what_was_too_slow_is_measured_again_and_the_better_figure_counts():
    found, asked = {"ssd": 1.0, "conv": 1.0}, []

    def measured(name):
        asked.append(name)
        return 1.9

    again(shortfalls(RECORDED, found, 0.3), found, measured)
    assert (found, asked) == ({"ssd": 1.9, "conv": 1.0}, ["ssd"])
    again({"ssd": ""}, found, lambda name: 0.5)
    assert found["ssd"] == 1.9


def test_what_is_not_measured_any_more_is_not_measured_again():
    found = {"conv": 1.0}
    again(shortfalls(RECORDED, found, 0.3), found, lambda name: 1 / 0)
    assert found == {"conv": 1.0}


def test_processors_have_ratios_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(smoke, "RECORDS", tmp_path / "smoke.json")
    assert recorded_ratios("one") == {}
    record("one", {"ssd": 2.0})
    record("other", {"ssd": 1.5, "conv": 1.0})
    record("one", {"ssd": 2.5})
    assert recorded_ratios("one") == {"ssd": 2.5}
    assert recorded_ratios("other") == {"ssd": 1.5, "conv": 1.0}


def test_a_processor_without_ratios_is_told_how_to_record_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(smoke, "RECORDS", tmp_path / "smoke.json")
    monkeypatch.setattr(smoke, "processor", lambda: "an abacus")
    monkeypatch.setattr(sys, "argv", ["smoke.py"])
    with pytest.raises(SystemExit) as stopped:
        smoke.main()
    assert stopped.value.code == 2
    assert "has no ratios of this processor, an abacus: record them" in capsys.readouterr().err
