"""How far two runs lie apart, on results made up."""

import json

import pytest
from reproduced import FIGURES, apart


def write(folder, factor):
    """Results of every benchmark: two cases a table, the second of them off by a factor."""
    folder.mkdir()
    rows: dict[str, list[dict]] = {}
    for figure in FIGURES:
        rows.setdefault(figure.benchmark, []).extend(
            {"table": figure.table, "arm": arm, "length": 5, figure.column: value}
            for arm, value in (("a", 3.0), ("b", 3.0 * factor), ("reference", 1.0))
        )
    for name, some in rows.items():
        (folder / f"{name}.json").write_text(json.dumps({"rows": some}), encoding="utf-8")
    return folder


def test_the_larger_is_told_over_the_smaller(tmp_path):
    first, second = write(tmp_path / "1", 1), write(tmp_path / "2", 0.8)
    for folders in ((first, second), (second, first)):
        rows = {row["figure"]: row for row in apart(*folders)}
        assert set(rows) == {figure.what for figure in FIGURES}
        for row in rows.values():
            assert row["cases"] == 2
            assert row["half"] == pytest.approx(0.125)
            assert row["nine_in_ten"] == row["most"] == pytest.approx(0.25)


def test_cases_of_one_run_only_do_not_count(tmp_path):
    first, second = write(tmp_path / "1", 1), write(tmp_path / "2", 1)
    path = second / "training.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    rows = [row for row in rows if row["arm"] != "b"]
    path.write_text(json.dumps({"rows": rows}), encoding="utf-8")
    cases = {row["figure"]: row["cases"] for row in apart(first, second)}
    assert cases["training: times as fast as transformers"] == 1
    assert cases["help: seconds"] == 2


def test_benchmarks_that_were_run_once_are_left_out(tmp_path):
    first, second = write(tmp_path / "1", 1), write(tmp_path / "2", 1)
    (first / "startup.json").unlink()
    found = {row["figure"] for row in apart(first, second)}
    assert found == {figure.what for figure in FIGURES if figure.benchmark != "startup"}
