"""When a ratio has become too small, and what is said of it."""

from smoke import again, shortfalls

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
