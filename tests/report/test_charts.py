"""Tests of charts of findings: every kind is drawn, whatever is in it, true to its numbers."""

import csv
import io
import re
import xml.etree.ElementTree as ET

import pytest

from genomenet.evaluation.findings import Chart, Series
from genomenet.report.charts import draw_chart
from genomenet.report.series_style import Palette
from genomenet.report.style import DARK, colour
from tests.report.example_findings import CHARTS, LONG, make_findings

ARMS = {arm: i for i, arm in enumerate(("t", "m", "ht", "hm", "fixed"))}


@pytest.fixture(scope="module")
def drawings():
    palette = Palette(dict(ARMS))
    return {chart.key: draw_chart(chart, "regions", palette) for chart in CHARTS}


def words_of(svg):
    return " ".join(" ".join(ET.fromstring(svg).itertext()).split())


def test_every_chart_is_whole_svg_with_its_data(drawings):
    for chart in CHARTS:
        drawing = drawings[chart.key]
        root = ET.fromstring(drawing.svg)
        assert root.get("viewBox")
        assert root.get("role") == "img"
        assert f'id="regions-{chart.key}-title"' in drawing.svg
        rows = list(csv.reader(io.StringIO(drawing.csv)))
        assert len(rows) == 1 + sum(len(one.x) for one in chart.series)
        for shade in re.findall(r"#[0-9a-f]{6}\b", drawing.svg):
            assert shade in DARK, f"{shade} has no colour on a dark page"


def test_drawn_again_it_is_the_same(drawings):
    palette = Palette(dict(ARMS))
    for i in (0, 2):
        again = draw_chart(CHARTS[i], "regions", palette)
        assert again.svg == drawings[CHARTS[i].key].svg


def test_axes_categories_series_and_references_are_named(drawings):
    text = words_of(drawings["enrichment"].svg)
    for name in ("CDS", "intergenic", "hm", "fixed, shuffled", "no enrichment",
                 "difference, bits per base"):  # fmt: skip
        assert name in text
    text = words_of(drawings["context"].svg)
    for name in ("bases of context", "bits per base", "hm, shuffled context", "order-11 Markov"):
        assert name in text
    assert LONG[:50] in words_of(drawings["one"].svg)
    assert "second" in words_of(drawings["steps"].svg)


def test_crowded_charts_become_panels_and_name_their_axes_once(drawings):
    for key, names in (
        ("many-classes", ["t", "m", "ht", "hm", "fixed"]),
        ("many-lines", [f"model {i}" for i in range(9)]),
    ):
        assert drawings[key].wide
        said = [text.strip() for text in ET.fromstring(drawings[key].svg).itertext()]
        assert [text for text in said if text in names] == names
    tree = ET.fromstring(drawings["many-lines"].svg)
    said = [text.strip() for text in tree.itertext()]
    assert said.count("bases of context") == 1
    assert not drawings["enrichment"].wide


def test_what_is_missing_is_left_out_and_told(drawings):
    assert "without a place on the logarithmic axis: 1 point." in drawings["holes"].caption
    assert "nothing finite to draw" in words_of(drawings["nothing"].svg)
    assert "nothing (control): nothing finite" in drawings["holes"].description
    assert "NaN" not in drawings["holes"].svg
    assert "nan" not in words_of(drawings["holes"].svg)


def test_dots_stand_where_the_numbers_are():
    """Three dots: the middle of the axis in SVG is the middle in numbers, and so are the ends."""
    chart = Chart("a", "A", "", "dots", "x", "", (Series("s", ("p", "q", "r"), (1.0, 2.0, 5.0)),))
    svg = draw_chart(chart, "k", Palette()).svg
    places = re.findall(r'<use xlink:href="#[^"]*" x="([\d.]+)" y="([\d.]+)" style="fill: #0072b2',
                        svg)  # fmt: skip
    (x1, y1), (x2, y2), (x3, y3) = [tuple(map(float, place)) for place in places[:3]]
    assert (x2 - x1) / (x3 - x1) == pytest.approx(0.25, abs=1e-4)
    assert y1 < y2 < y3
    assert y2 - y1 == pytest.approx(y3 - y2, abs=1e-3)


def test_arms_keep_their_colours_and_new_labels_take_others():
    palette = Palette(dict(ARMS))
    series = tuple(
        Series(label, (1.0,), (1.0,), control=control, of=of)
        for label, control, of in (
            ("hm-seed2", False, ""), ("hm", False, ""), ("anything", True, "hm"),
            ("published", False, ""), ("other", False, ""), ("new-seed1", False, ""),
            ("new-seed2", False, ""),
        )
    )  # fmt: skip
    found = palette.looks(series)
    assert [one.group for one in found] == [3, 3, 3, 5, 6, 7, 7]
    assert found[0].colour == colour(3)
    assert (found[0].line, found[0].marker) != (found[1].line, found[1].marker)
    assert not found[2].filled
    assert found[2].alpha < 1
    assert found[5].marker != found[6].marker


def test_many_categories_make_it_higher():
    def height(count):
        names = tuple(f"c{i}" for i in range(count))
        chart = Chart("a", "A", "", "dots", "x", "", (Series("s", names, (1.0,) * count),))
        return float(draw_chart(chart, "k", Palette()).svg.split('viewBox="')[1].split()[3][:-1])

    assert height(60) - height(20) > 40 * 12  # points: a line of text each


def test_findings_of_the_example_can_be_made():
    assert {chart.kind for chart in make_findings().charts} == {"dots", "lines", "points"}
