"""Findings: written and read back the same, as CSV with every number, and printed."""

import dataclasses
import json
import math

import pytest

from genomenet.cli.findings import findings_text
from genomenet.errors import UserError
from genomenet.evaluation.findings import Chart, Column, Findings, Series, Table
from genomenet.evaluation.findings_file import (
    chart_csv,
    load_findings,
    save_findings,
    study_findings,
    table_csv,
    write_csv,
)
from genomenet.evaluation.formatting import cell_text

TABLE = Table(
    "by-class",
    "By class",
    "How to read it.",
    (Column("model"), Column("bases", "count"), Column("bits"), Column("gain", "signed", 2)),
    (("a", 12_345, (1.5, 1.75), -0.25), ("b", 7, None, None)),
)
CHART = Chart(
    "rates", "Rates", "Caption.", "lines", "position", "rate",
    (
        Series("a", (1, 2.5), (0.5, math.nan), (0.25, 0.0), (0.75, 1.0)),
        Series("grid", (1, 2), (0.25, 0.25), control=True),
    ),
)  # fmt: skip


@pytest.fixture
def findings():
    return Findings(
        "likelihood", "Likelihood", "2026-01-01", "genomenet evaluate x", "0.1", {"genome": "ab"},
        ("a is better.",), (TABLE,), (CHART,), ("Measured so.",),
    )  # fmt: skip


def test_come_back_the_same(findings, tmp_path):
    path = tmp_path / "findings" / "likelihood.json"
    save_findings(findings, path)
    (again,) = study_findings(tmp_path)
    assert math.isnan(again.charts[0].series[0].y[1])
    assert again.tables == findings.tables
    assert dataclasses.replace(again, charts=()) == dataclasses.replace(findings, charts=())
    assert again.charts[0].series[1] == CHART.series[1]
    assert study_findings(tmp_path / "nothing") == []


def test_csv_has_every_number():
    assert table_csv(TABLE).splitlines() == [
        "model,bases,bits low,bits high,gain",
        "a,12345,1.5,1.75,-0.25",
        "b,7,,,",
    ]
    assert chart_csv(CHART).splitlines()[:2] == [
        "series,control,position,rate,low,high",
        "a,no,1,0.5,0.25,0.75",
    ]
    assert chart_csv(CHART).splitlines()[-1] == "grid,yes,2,0.25,,"


def test_written_as_one_file_a_part(findings, tmp_path):
    write_csv(findings, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["likelihood-by-class.csv", "likelihood-rates.csv"]


def test_printed():
    assert cell_text((1.0, 2.0), Column("x", "signed", 1)) == "+1.0 to +2.0"
    assert cell_text((1.0, math.inf), Column("x")) == "—"
    assert cell_text(0.1234, Column("x", "share", 1)) == "12.3%"
    assert cell_text(-3, Column("x", "signed", 0)) == "\u22123"
    text = findings_text(
        Findings("k", "K", "", "", "", {}, ("It is so.",), (TABLE,), (), ("Take care.",))
    )
    lines = text.splitlines()
    assert lines[0] == "By class"
    assert lines[2].split() == ["a", "12,345", "1.500–1.750", "\u22120.25"]
    assert lines[-2:] == ["It is so.", "note: Take care."]
    long = dataclasses.replace(TABLE, rows=TABLE.rows[:1] * 43)
    text = findings_text(Findings("k", "K", "", "", "", {}, (), (long,)))
    assert text.splitlines()[-1] == "(3 more rows: --csv FOLDER writes all)"
    assert len(text.splitlines()) == 2 + 40 + 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data.pop("title"), "lacks 'title'"),
        (lambda data: data.update(format=9), "format is 9"),
        (lambda data: data["charts"][0].update(kind="pie"), "'pie', not one of"),
        (lambda data: data["tables"][0]["rows"].append([1]), "1 cells for 4 columns"),
    ],
)
def test_contradictions_are_one_sentence(findings, tmp_path, change, says):
    path = tmp_path / "x.json"
    save_findings(findings, path)
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(UserError, match=says):
        load_findings(path)
    with pytest.raises(UserError, match="cannot be read"):
        load_findings(tmp_path / "y.json")


def test_parts_that_contradict_themselves():
    with pytest.raises(ValueError, match="1 y for 2 x"):
        Series("a", (1, 2), (1,))
    with pytest.raises(ValueError, match="share a key"):
        Findings("k", "K", "", "", "", {}, (), (TABLE, TABLE))
