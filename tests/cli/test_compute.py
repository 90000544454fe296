"""`genomenet compute` as a user meets it: runs, given thresholds, mistakes."""

import pytest

from genomenet.cli.main import main
from genomenet.evaluation.findings_file import load_findings
from genomenet.training.run import train
from tests.interop.peers import save

OPTIONS = ("--quiet", "--max_length", "64", "--windows", "24")


@pytest.fixture
def runs(tmp_path, make_config):
    for name, layout in (("hnet", "m1 + T1 + m1"), ("flat", "T1")):
        config = make_config(model={"layout": layout}, max_steps=2)
        train(config, tmp_path / name, "test", progress=False)
    return tmp_path


def test_runs(capsys, runs):
    words = ["compute", str(runs / "hnet"), str(runs / "flat"), *OPTIONS]
    capsys.readouterr()
    assert main([*words, "--json", str(runs / "a.json"), "--csv", str(runs / "csv")]) == 0
    text = capsys.readouterr().out
    found = load_findings(runs / "a.json")
    rows = [row for row in found.table("curve").rows if row[0] == "hnet"]
    assert [row[2] for row in rows].count("trained") == 1
    assert len(rows) >= 6
    assert [row[0] for row in found.table("choices").rows] == ["hnet"] * 4
    assert {row[0] for row in found.table("surprise").rows} == {"hnet"}
    assert "single points: flat" in text
    curve = next(chart for chart in found.charts if chart.key == "against-flops")
    assert [len(series.x) for series in curve.series] == [len(rows), 1]
    assert any(series.control for chart in found.charts for series in chart.series)
    assert (runs / "csv" / "compute-curve.csv").is_file()
    assert main([*words, "--json", str(runs / "b.json")]) == 0
    again = load_findings(runs / "b.json")
    assert (again.tables, again.sentences) == (found.tables, found.sentences)

    assert main([*words, "--thresholds", "0.4", "0.6", "--json", str(runs / "c.json")]) == 0
    given = load_findings(runs / "c.json")
    assert [row[1] for row in given.table("curve").rows] == [0.4, 0.5, 0.6, None]
    assert given.inputs["thresholds"] == "0.4, 0.6"


def test_models_without_thresholds_or_flops(capsys, runs):
    peer = save(runs / "peers" / "peer")
    out = runs / "d.json"
    capsys.readouterr()
    words = ["compute", str(runs / "flat"), "--hf", str(peer), *OPTIONS, "--json", str(out)]
    assert main(words) == 0
    assert "single points: flat, peer" in " ".join(capsys.readouterr().out.split())
    found = load_findings(out)
    assert [table.key for table in found.tables] == ["curve"]
    assert [[series.label for series in chart.series] for chart in found.charts] == [["flat"]]


def test_mistakes(capsys):
    for words, said in (
        (["--thresholds", "0.4"], "name at least one run"),
        (["x", "--thresholds", "much"], "--thresholds"),
        (["x", "--thresholds", "inf"], "--thresholds"),
    ):
        assert main(["compute", *words]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert said in captured.err
        assert len(captured.err.splitlines()) == 1
