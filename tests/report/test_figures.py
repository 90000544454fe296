"""Tests of the figures: reproducible to the byte, valid XML, text kept, true to the numbers."""

import dataclasses
import math
import re
import xml.etree.ElementTree as ET

import matplotlib
import pytest

from genomenet.report.boundaries import boundary_window
from genomenet.report.curves import by_bases, chunk_rates
from genomenet.report.dots import final_bits
from genomenet.report.page import draw
from genomenet.report.style import DARK, colour, marker
from genomenet.report.summary import summarise
from tests.study.example_study import arm_run, make_study

NAMES = ["perplexity-by-bases", "final-bits", "perplexity-by-flops", "bases-per-chunk",
         "boundaries"]  # fmt: skip


@pytest.fixture(scope="module")
def drawings():
    return draw(summarise(make_study()))


def test_many_arms_look_different():
    assert len({(colour(i), marker(i)) for i in range(49)}) == 49


def test_the_figures_and_their_order(drawings):
    assert [drawing.name for drawing in drawings] == NAMES
    for drawing in drawings:
        root = ET.fromstring(drawing.svg)
        assert root.get("role") == "img"
        assert root.get("viewBox")
        assert root.get("width") is None


def test_figures_are_reproducible_whatever_the_users_settings(drawings):
    with matplotlib.rc_context({"lines.linewidth": 9, "svg.fonttype": "path", "font.size": 30}):
        again = draw(summarise(make_study()))
    assert [one.svg for one in again] == [one.svg for one in drawings]
    for one in drawings:
        assert "<metadata" not in one.svg
        assert "<dc:date" not in one.svg


def test_text_is_text_and_ids_are_the_figures_own(drawings):
    seen = set()
    for one in drawings:
        assert "H-Net, Mamba-2 main" in "".join(ET.fromstring(one.svg).itertext())
        ids = re.findall(r'\bid="([^"]*)"', one.svg)
        assert len(ids) == len(set(ids))
        assert not seen & set(ids)
        seen |= set(ids)
        targets = re.findall(r'href="#([^"]*)"', one.svg) + re.findall(r"url\(#([^)]*)\)", one.svg)
        assert set(targets) <= set(ids)


def test_every_colour_has_a_dark_counterpart(drawings):
    for one in drawings:
        used = set(re.findall(r"#[0-9a-f]{6}\b", re.sub(r'(id|href)="[^"]*"', "", one.svg)))
        assert used <= set(DARK)
        assert not re.search(r"(?<!, )#[0-9a-f]{6}\b(?!\))", re.sub(r'(id|href)="[^"]*"', "",
                             re.sub(r"url\(#[^)]*\)", "", one.inline())))  # fmt: skip


def test_descriptions_hold_the_final_numbers():
    study = make_study(seeds=(1,))
    summary = summarise(study)
    for run in study.runs:
        assert f"{math.exp(run.curve[-1].nats):.3f}" in by_bases(summary).description
        assert f"{run.final.nats / math.log(2):.3f}" in final_bits(summary).description


def test_what_has_no_data_is_not_drawn():
    isotropic = summarise(make_study(runs=[arm_run("t", 1), arm_run("m", 1)]))
    assert chunk_rates(isotropic) is None
    assert boundary_window(isotropic) is None  # the example's arms are not in the study
    bare = summarise(dataclasses.replace(make_study(seeds=(1,)), example=None, floors=()))
    assert [one.name for one in draw(bare)] == NAMES[:-1]


def test_odd_runs_still_draw():
    run = arm_run("hm", 1)
    odd = [
        dataclasses.replace(run, label="costs $5 & <more>", curve=run.curve[:1]),
        dataclasses.replace(arm_run("t", 1), curve=(), before_decay=None),
    ]
    for one in draw(summarise(make_study(runs=odd))):
        ET.fromstring(one.svg)
    collapsed = dataclasses.replace(run.curve[0], bases_per_chunk=(900.0,), nats=1.9)
    early = dataclasses.replace(run, curve=(collapsed, *run.curve[1:]))
    for one in draw(summarise(make_study(runs=[early]))):
        ET.fromstring(one.svg)
    two_stages = tuple(dataclasses.replace(p, bases_per_chunk=(3.0, 2.1)) for p in run.curve)
    deep = dataclasses.replace(run, curve=two_stages, target_bases_per_chunk=(3.0, 2.0))
    text = "".join(ET.fromstring(chunk_rates(summarise(make_study(runs=[deep]))).svg).itertext())
    assert "target 2" in text
    assert "target 3" in text
