"""Tables of the docs from results: what is there is written, what is not is told."""

import re
from pathlib import Path

import _record
import _results
import pytest
from publish import BLOCKS, MARKED, PAGE, TARGETS, filled

PAGE_TEXT = """Words.

<!-- host-work:begin -->
old
<!-- host-work:end -->

More words.

<!-- ceilings:begin -->
kept
<!-- ceilings:end -->
"""
ROWS = [
    {"table": "Host work", "genome_bp": 4_000_000, "microseconds_per_step": 12.4},
    {"table": "Host work", "genome_bp": 240_000_000, "microseconds_per_step": 33.6},
]


@pytest.fixture
def results(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(_record, "RESULTS", tmp_path)
    monkeypatch.setattr(_results, "RESULTS", tmp_path)
    return tmp_path


def test_a_block_is_replaced_by_its_table_and_where_it_was_measured(results):
    _record.report("benchmarks/startup.py", "text\n", True, ROWS)
    text, _ = filled(PAGE_TEXT)
    assert (
        "| genome, bp | microseconds a step |\n|---:|---:|\n| 4,000,000 | 12 |\n"
        "| 240,000,000 | 34 |\n" in text
    )
    assert "old" not in text
    assert re.search(r"`python benchmarks/startup\.py.*`, \d{4}-\d\d-\d\d: ", text)
    assert text.startswith("Words.\n\n<!-- host-work:begin -->\n")
    assert filled(text)[0] == text
    assert (results / "startup.md").read_text(encoding="utf-8") == "text\n"


def test_what_has_no_results_stays_and_is_told_once(results):
    text, lacking = filled(PAGE_TEXT + PAGE_TEXT)
    assert text == PAGE_TEXT + PAGE_TEXT
    assert lacking == [
        f"benchmarks/results/{name}.json does not exist: run `python benchmarks/{name}.py "
        "--save` first"
        for name in ("startup", "where_time_goes")
    ]


def test_a_result_without_the_table_is_told(results):
    _record.report("benchmarks/startup.py", "text\n", True, ROWS)
    _, lacking = filled("<!-- imports:begin -->\n<!-- imports:end -->\n")
    assert lacking == [
        "benchmarks/results/startup.json has no table 'Imports': run `python "
        "benchmarks/startup.py --save` again"
    ]


def test_a_block_that_nothing_writes_is_told(results):
    _, lacking = filled("<!-- speed:begin -->\n<!-- speed:end -->\n")
    assert lacking == ["docs/performance.md: nothing knows how to write the block 'speed'"]


def test_the_page_asks_for_every_block():
    asked = [found[2] for found in MARKED.finditer(PAGE.read_text(encoding="utf-8"))]
    assert sorted(asked) == sorted([*BLOCKS, TARGETS])


def test_every_benchmark_behind_the_page_is_run_by_make_bench():
    makefile = (PAGE.parents[1] / "Makefile").read_text(encoding="utf-8")
    (line,) = re.findall(r"^BENCHMARKS := (.*)$", makefile, re.MULTILINE)
    behind = {benchmark for benchmark, _, _ in BLOCKS.values()}
    assert behind <= {*line.split(), "reproduced"}  # which compares two runs of all of them
    for name in line.split():
        assert (PAGE.parents[1] / "benchmarks" / f"{name}.py").exists()
