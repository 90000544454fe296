"""Tests of findings on pages: in a study's report and alone, whole, honest and sortable."""

import base64
import csv
import io
import json
import re

import pytest

from genomenet.cli.main import main
from genomenet.evaluation.findings_file import (
    FINDINGS,
    chart_csv,
    load_findings,
    save_findings,
    table_csv,
)
from genomenet.report.browser import browser_config
from genomenet.report.page import write_findings_report, write_report
from genomenet.report.summary import summarise
from genomenet.study.results_file import save_study
from tests.report.example_findings import CHARTS, TABLES, make_findings
from tests.report.test_page import Checker
from tests.study.example_study import arm_run, make_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A study of one arm with findings in its folder."""
    folder = tmp_path_factory.mktemp("study")
    save_study(make_study(runs=[arm_run("hm", 1)]), folder / "results.json")
    save_findings(make_findings(), folder / FINDINGS / "regions.json")
    short = make_findings("motifs", CHARTS[:1], TABLES[1:])
    save_findings(short, folder / FINDINGS / "motifs.json")
    assert main(["report", str(folder)]) == 0
    return folder


def parsed(path):
    text = path.read_text(encoding="utf-8")
    checker = Checker()
    checker.feed(text)
    checker.close()
    return text, checker


def test_a_section_for_each_findings(folder):
    text, checker = parsed(folder / "report.html")
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    assert set(checker.labels) <= set(checker.ids)
    assert {"findings-regions", "findings-motifs"} <= set(checker.ids)
    words = " ".join(" ".join(checker.text).split())
    for said in (*make_findings().sentences, *make_findings().notes, make_findings().command,
                 "sha256:9f2c41d07be1"):  # fmt: skip
        assert " ".join(said.split()) in words
    assert "<script>alert" not in text
    assert (folder / "figures" / "regions-context.svg").is_file()


def test_cells_are_written_as_their_columns_want_and_sorted_at_full_precision(folder):
    text, _ = parsed(folder / "report.html")
    row = re.search(r'<tr><th scope="row">CDS</th>.*?</tr>', text)[0]
    assert re.findall(r"<td([^>]*)>([^<]*)</td>", row) == [
        (' data-value="10250"', "10,250"),
        (' data-value="-0.0312"', "−0.0312"),
        (' data-value="-0.030000000000000002"', "−0.0500 to −0.0100"),
        (' data-value="0.1234"', "12.3%"),
        (' data-value="1500000000.0"', "1.5G"),
    ]
    missing = re.search(r'<tr><th scope="row">&lt;script&gt;.*?</tr>', text)[0]
    assert missing.count("<td>—</td>") == 3
    assert (
        float(re.search(r'motif 3</th><td data-value="([^"]*)"', text)[1]) == TABLES[1].rows[3][1]
    )


def test_long_tables_fold(folder):
    text, _ = parsed(folder / "report.html")
    assert text.count("<summary>Show 57 rows</summary>") == 2
    assert text.count("<details") == 2


def test_every_figure_and_table_can_be_downloaded(folder):
    text, _ = parsed(folder / "report.html")
    found = {
        name: base64.b64decode(content).decode()
        for name, content in re.findall(
            r'download="([^"]+)" href="data:[^;]+;charset=utf-8;base64,([^"]*)"', text
        )
    }
    for chart in CHARTS:
        assert found[f"regions-{chart.key}.csv"] == chart_csv(chart)
        svg = found[f"regions-{chart.key}.svg"]
        assert (folder / "figures" / f"regions-{chart.key}.svg").read_text().endswith(svg)
    for table in TABLES:
        kept = load_findings(folder / FINDINGS / "regions.json").table(table.key)
        assert found[f"regions-{table.key}.csv"] == table_csv(kept)
    for name in ("perplexity-by-bases", "perplexity-by-flops", "final-bits", "bases-per-chunk",
                 "boundaries"):  # fmt: skip
        rows = list(csv.reader(io.StringIO(found[f"{name}.csv"])))
        assert len(rows) > 1
        assert len({len(row) for row in rows}) == 1
    run = arm_run("hm", 1)
    rows = list(csv.DictReader(io.StringIO(found["perplexity-by-bases.csv"])))
    assert [float(row["nats per base"]) for row in rows] == [point.nats for point in run.curve]
    assert found["table.csv"].splitlines()[0].startswith("arm,label,seed")


def test_every_column_of_every_table_can_be_sorted(folder):
    text, _ = parsed(folder / "report.html")
    for table in re.findall(r"<table>.*?</table>", text, re.DOTALL):
        columns = sorted(int(number) for number in re.findall(r'data-column="(\d+)"', table))
        row = re.search(r"<tbody>.*?</tr>", table, re.DOTALL)[0]
        assert columns == list(range(len(re.findall(r"<t[hd]\b", row))))


def test_findings_alone_make_a_page(tmp_path, capsys):
    save_findings(make_findings(charts=CHARTS[2:3]), tmp_path / "a.json")
    save_findings(make_findings("motifs", CHARTS[:1], TABLES[:1]), tmp_path / "b.json")
    words = ["report", str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    _, checker = parsed(tmp_path / "out" / "report.html")
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    assert all(value.startswith(("#", "data:")) for value in checker.loads)
    capsys.readouterr()
    for wrong, told in (
        (words, "--out"),
        (["report", str(tmp_path), str(tmp_path / "a.json"), "--out", "x"], "one study"),
        ([*words[:2], words[1], "--out", str(tmp_path / "x")], "two of the files hold regions"),
        (["report", str(tmp_path / "no.json"), "--out", "x"], "no.json"),
    ):
        assert main(wrong) == 2
        assert told in capsys.readouterr().err


def test_a_page_of_findings_is_reproducible(tmp_path):
    short = make_findings(charts=CHARTS[:1])
    pages = [write_findings_report([short], tmp_path / name) for name in "ab"]
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_the_browser_shows_every_arm_and_nothing_from_elsewhere():
    study = make_study()
    config = browser_config(summarise(study), study.example)
    names = [track.get("name", track["type"]) for track in config["tracks"]]
    assert names[:3] == ["sequence", "genes", "soft-masked repeats"]
    assert sum(name.endswith("surprise, bits") for name in names) == 5
    assert sum(name.endswith("boundary probability") for name in names) == 2
    surprise = next(track for track in config["tracks"] if track.get("name", "").startswith("Tra"))
    assert surprise["values"][0] is None  # nothing is scored there
    fasta = base64.b64decode(config["reference"]["fastaURL"].split(",")[1]).decode()
    assert fasta == f">chr20:61400001-61408192 @len=61408192\n{study.example.sequence}\n"
    assert config["loadDefaultGenomes"] is False
    urls = re.findall(r'"\w*(?:url|URL)": "([^"]*)"', json.dumps(config))
    assert all(url.startswith("data:") for url in urls)


def test_results_of_older_versions_have_no_browser(tmp_path):
    import dataclasses

    study = make_study(runs=[arm_run("hm", 1)])
    old = dataclasses.replace(study.example, sequence="", surprise=())
    write_report(dataclasses.replace(study, example=old), tmp_path)
    assert not (tmp_path / "browser.html").exists()
    assert "browser.html" not in (tmp_path / "report.html").read_text(encoding="utf-8")
