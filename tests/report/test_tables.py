"""Tests of report/tables.py and report/summary.py: widths, numbers and endings."""

import csv
import io
import math

import pytest

from genomenet.report.headline import headline
from genomenet.report.summary import summarise
from genomenet.report.tables import ARM_HEADERS, arm_rows, csv_table, markdown_table, text_table
from tests.study.example_study import arm_run, make_study


@pytest.mark.parametrize("seeds", [(1,), (1, 2, 3)])
def test_text_table_fits_and_ends_with_the_headline(seeds):
    study = make_study(seeds=seeds)
    text = text_table(study)
    assert max(map(len, text.splitlines())) <= 120
    last = headline(summarise(study))[-1]
    assert " ".join(text.split()).endswith(" ".join(last.split()))
    assert "order-11 Markov" in text
    for run in study.runs:
        assert run.label[:15] in text


def test_long_labels_are_cut_to_fit():
    import dataclasses

    run = dataclasses.replace(arm_run("m", 1), label="An arm with a name " * 9)
    assert max(map(len, text_table(make_study(runs=[run])).splitlines())) <= 120


def test_rows_hold_the_means_over_seeds():
    study = make_study()
    row = dict(zip(ARM_HEADERS, arm_rows(summarise(study))[1], strict=True))
    runs = [run for run in study.runs if run.arm == "m"]
    nats = sum(run.final.nats for run in runs) / 3
    assert row["ppl final"] == f"{math.exp(nats):.3f}"
    assert row["bits final"] == f"{nats / math.log(2):.3f}"
    masked = sum(run.final.masked_nats for run in runs) / sum(
        run.final.masked_bases for run in runs
    )
    assert row["repeats"] == f"{masked / math.log(2):.3f}"
    assert row["bp/chunk achieved"] == row["patcher FLOP/base"] == "—"
    assert row["chunker"] == "none"


def test_csv_has_a_line_per_run_with_full_precision():
    study = make_study()
    rows = list(csv.DictReader(io.StringIO(csv_table(study))))
    assert len(rows) == len(study.runs)
    for row, run in zip(rows, study.runs, strict=True):
        assert float(row["nats_final"]) == run.final.nats
        assert float(row["bits_per_base_final"]) == pytest.approx(run.final.nats / math.log(2))
        assert int(row["parameters"]) == run.parameters


def test_markdown_rows_have_equal_cells():
    blocks = markdown_table(make_study()).split("\n\n")
    for block in blocks[:-1]:
        assert len({line.count("|") for line in block.splitlines()}) == 1
    assert blocks[-1].startswith("- H-Net, Mamba-2 main predicts")
