"""Tests of report/page.py: one whole HTML5 page that loads nothing, beside its files."""

import dataclasses
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from genomenet.report.headline import headline
from genomenet.report.page import write_report
from genomenet.report.summary import summarise
from tests.study.example_study import arm_run, make_study

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Checker(HTMLParser):
    """Collects what a page loads, its ids and its text; fails on tags that do not nest."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.loads, self.tags, self.text = [], [], [], [], []
        self.labels = []

    def handle_starttag(self, tag, attributes):
        self.visit(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.visit(tag, attributes)

    def visit(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name == "aria-labelledby":
                self.labels += value.split()
            if name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                self.loads.append(value)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def page(report):
    text = (report[1] / "report.html").read_text(encoding="utf-8")
    checker = Checker()
    checker.feed(text)
    checker.close()
    return text, checker


def test_the_page_is_well_formed(page):
    text, checker = page
    assert text.startswith("<!DOCTYPE html>\n<html lang=")
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    assert set(checker.labels) <= set(checker.ids)
    assert {"title", "main", "table", "caption", "figure", "figcaption", "svg"} <= set(checker.tags)
    assert checker.tags.count("table") == checker.tags.count("caption") == 3
    assert checker.tags.count("figure") == checker.tags.count("svg") == 5
    assert len(text.encode()) < 2_000_000


def test_the_page_loads_nothing(page):
    text, checker = page
    assert all(value.startswith(("#", "data:", "browser.html")) for value in checker.loads)
    assert checker.tags.count("script") == 1  # the one that sorts, inline
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text


def test_the_page_says_the_headline_and_the_origin(page, report):
    words = " ".join(" ".join(page[1].text).split())
    study = report[0]
    for sentence in headline(summarise(study)):
        assert " ".join(sentence.split()) in words
    assert study.command in words
    assert study.genome.digest in words
    assert "0 held-out bases within reach of training windows" in words
    assert study.notes[0] in words


def test_both_themes_define_every_colour(page):
    text = page[0]
    used = set(re.findall(r"var\((--c[0-9a-f]{6})", text))
    light, dark = text.split("@media (prefers-color-scheme: dark)")[:2]
    for name in used:
        assert f"{name}:" in light
        assert f"{name}:" in dark.split("* {")[0]


def test_the_folder_is_complete_and_reproducible(report, tmp_path):
    study, folder = report
    again = write_report(study, tmp_path / "again").parent
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert [str(path) for path in files] == [
        "browser.html",
        "figures/bases-per-chunk.svg",
        "figures/boundaries.svg",
        "figures/final-bits.svg",
        "figures/perplexity-by-bases.svg",
        "figures/perplexity-by-flops.svg",
        "report.html",
        "table.csv",
        "table.md",
    ]
    for path in files:
        assert (again / path).read_bytes() == (folder / path).read_bytes()


def test_hostile_names_stay_text(tmp_path):
    run = dataclasses.replace(arm_run("m", 1), label="</svg><script>alert(1)</script>")
    study = dataclasses.replace(make_study(runs=[run]), name="<b>&", example=None)
    text = write_report(study, tmp_path).read_text(encoding="utf-8")
    assert text.count("<script") == 1  # our own
    assert "alert(1)</script" not in text
    assert "<b>" not in text
    assert not (tmp_path / "browser.html").exists()


def test_importing_the_report_stays_light():
    code = (
        "import sys, genomenet.report.page, genomenet.study.floors, genomenet.study.results_file; "
        "print(sorted({'torch', 'matplotlib', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_arms_with_a_recipe_or_a_budget_of_their_own_are_told(tmp_path):
    own = dataclasses.replace(arm_run("hm", 1), recipe=("lr 0.001",))
    text = write_report(make_study(runs=[arm_run("m", 1), own]), tmp_path / "lr").read_text()
    label = own.label
    assert f"{label} (lr 0.001) differs from the other arms in the recipe too" in text
    assert "Every arm saw the same 24,000,000 training bases" in text
    assert "24,000,000 training bases per arm; warm-up until 800,000" in text
    fewer = dataclasses.replace(arm_run("hm", 1), training_bases=12_000_000)
    text = write_report(make_study(runs=[arm_run("m", 1), fewer]), tmp_path / "flops").read_text()
    assert "Arms saw between 12,000,000 and 24,000,000 training" in text
    assert "12,000,000 to 24,000,000 training bases per arm; each has a warm-up" in text
    assert "Arms were trained on different amounts of data, 12M to 24M bases" in text
    steps = dataclasses.replace(arm_run("hm", 1), recipe=("warmup_fraction 0.5",))
    text = write_report(make_study(runs=[arm_run("m", 1), steps]), tmp_path / "warmup").read_text()
    assert "each has a warm-up and a decay of its own" in text
