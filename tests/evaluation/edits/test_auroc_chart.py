"""One row for each score, models apart from controls, however many there are."""

import math

from genomenet.evaluation.edits.auroc_chart import auroc_chart

ROWS = [
    ("mine", "model", 0.7, (0.6, 0.8)),
    ("peer", "not comparable", 0.9, (0.8, 1.0)),
    ("mine, untrained", "untrained", 0.5, (0.4, 0.6)),
    ("too few", "model", 0.6, None),
]


def test_models_and_controls_are_two_series_over_the_same_rows():
    chart = auroc_chart("title", ROWS)
    models, controls = chart.series
    assert models.x == controls.x == ("mine", "mine, untrained")
    assert (models.control, controls.control) == (False, True)
    assert models.y[0] == 0.7
    assert (models.low[0], models.high[0]) == (0.6, 0.8)
    assert math.isnan(models.y[1])
    assert math.isnan(controls.y[0])
    assert controls.y[1] == 0.5


def test_a_kind_that_is_missing_has_no_series():
    assert [one.label for one in auroc_chart("title", ROWS[2:]).series] == ["controls"]
    assert auroc_chart("title", []).series == ()
