"""Findings of every kind of chart and cell, awkward ones among them, for the tests of reports."""

import math

import numpy as np

from genomenet.evaluation.findings import Chart, Column, Findings, Series, Table

NAN = math.nan
CLASSES = ("CDS", "5′ UTR", "3′ UTR", "intron", "promoter", "intergenic")


def _dots(arms, categories, seed, **more):
    draws = np.random.default_rng(seed)
    found = []
    for arm in arms:
        for control in (False, True):
            y = draws.normal(0.0 if control else 0.3, 0.12, len(categories)).round(4)
            width = draws.uniform(0.02, 0.1, len(categories))
            label = f"{arm}, shuffled" if control else arm
            found.append(
                Series(label, tuple(categories), tuple(y), tuple(y - width), tuple(y + width),
                       control, arm if control else "", **more)
            )  # fmt: skip
    return tuple(found)


def _lines(labels, seed, points=24):
    draws = np.random.default_rng(seed)
    x = tuple(np.geomspace(1, 4096, points).round(3))
    found = []
    for i, (label, control, of) in enumerate(labels):
        y = 1.9 - 0.02 * i - 0.04 * np.log2(x) * (not control) + draws.normal(0, 0.008, points)
        found.append(Series(label, x, tuple(y), tuple(y - 0.02), tuple(y + 0.02), control, of))
    return tuple(found)


def _chart(key, kind, title, x_label, y_label, series, caption="", **more):
    return Chart(key, title, caption, kind, x_label, y_label, tuple(series), **more)


LONG = (
    "a label that goes on and on about what the series is, how it was made, and what it must not "
    "be taken for, until nobody reads it any more & <b>more</b>"
)
CHARTS = (
    _chart("enrichment", "dots", "Enrichment of boundaries by class of base",
           "difference, bits per base", "", _dots(["hm", "fixed"], CLASSES, 1),
           "Above 0: more than chance.", reference=0.0, reference_label="no enrichment"),
    _chart("many-classes", "dots", "Forty classes for five arms", "difference, bits per base", "",
           _dots(["t", "m", "ht", "hm", "fixed"], [f"LINE/L{i}-like element" for i in range(40)],
                 2), reference=0.0, reference_label="none"),
    _chart("context", "lines", "Surprise against context", "bases of context", "bits per base",
           _lines([("t", False, ""), ("hm", False, ""), ("hm, shuffled context", True, "hm")], 3),
           "Bands are 95 % intervals.", log_x=True, reference=1.87,
           reference_label="order-11 Markov"),
    _chart("many-lines", "lines", "Twelve lines", "bases of context", "bits per base",
           _lines([(f"model {i}", False, "") for i in range(9)]
                  + [(f"model {i}, untrained", True, f"model {i}") for i in range(3)], 4),
           log_x=True),
    _chart("trade-off", "points", "Bits against compute", "FLOPs per base", "bits per base",
           (*(Series(f"{arm}-seed{seed}", (4.0e5 * (i + 1),), (1.8 - 0.01 * i + seed / 500,))
              for i, arm in enumerate(("t", "m", "ht", "hm", "fixed")) for seed in (1, 2)),
            Series("untrained", (9e5,), (1.83,), (1.82,), (1.84,), True)), log_x=True),
    _chart("one", "dots", "A single point with a very long label", "x", "y",
           [Series(LONG, ("a category whose name is a whole sentence, as happens with the names "
                          "of pathways in databases of annotation",), (0.5,), (0.4,), (0.6,))],
           reference=0.4, reference_label="chance"),
    _chart("holes", "lines", "Values that are missing, $5 & more", "share", "share of bases",
           [Series("hm", (0.0, 1.0, 2.0, 4.0), (0.1, 0.3, NAN, 0.5), (NAN, 0.2, NAN, 0.4),
                   (NAN, 0.4, NAN, 0.6)),
            Series("nothing", (1.0, 2.0), (NAN, NAN), control=True)], log_x=True),
    _chart("nothing", "points", "Nothing finite at all", "x", "y", [Series("hm", (1.0,), (NAN,))]),
    _chart("steps", "lines", "Lines over words", "step", "share",
           [Series("hm", ("first", "second", "third"), (0.2, 0.4, 0.3))]),
)  # fmt: skip

TABLES = (
    Table(
        "classes", "By class", "Differences between boundaries and shuffled boundaries.",
        (Column("class"), Column("bases", "count"), Column("difference", "signed", 4),
         Column("95 %", "signed", 4), Column("share", "share", 1), Column("FLOPs", "compact")),
        (("CDS", 10_250, -0.0312, (-0.05, -0.01), 0.1234, 1.5e9),
         ("intron", 900, 0.2, (0.1, 0.3), NAN, 2.5e6),
         ("<script>alert(1)</script>", 2_000_000, NAN, (NAN, NAN), 0.5, None)),
    ),
    Table(
        "motifs", "All motifs", "",
        (Column("motif"), Column("score", "number", 3)),
        tuple((f"motif {i}", float(np.sin(i))) for i in range(57)),
    ),
)  # fmt: skip


def make_findings(kind="regions", charts=CHARTS, tables=TABLES):
    """Findings with everything in them, or with these charts and tables."""
    return Findings(
        kind=kind,
        title="Where boundaries fall & why",
        created="2026-03-02",
        command="genomenet regions runs/chr20 --json <&>",
        version="0.1.0",
        inputs={"genome": "sha256:9f2c41d07be1", "scored": "test split"},
        sentences=(
            "hm puts more boundaries at CDS than chance: +0.031 (95 % +0.010 to +0.050).",
            "For introns nothing is significant.",
        ),
        tables=tables,
        charts=charts,
        notes=("Synthetic numbers made for the tests.",),
    )
