"""The page beside a report that shows the example window in a genome browser, without a network."""

import json
import math
from importlib.resources import files

from genomenet.report.boundaries import zoom
from genomenet.report.html import data_uri, fill
from genomenet.report.style import INK, colour
from genomenet.report.summary import Summary
from genomenet.study.results import Example, Gene

BROWSER = "browser.html"
COMPONENT = "igv.min.js"
FIRST_BP = 90
"""Bases shown at first: few enough for their letters."""


def browser_page(summary: Summary) -> str:
    """Fill the browser's page.

    Parameters
    ----------
    summary : Summary
        Of a study with or without an example.

    Returns
    -------
    str
        An HTML document with igv.js and all data inside; empty when there is no example, or the
        results don't hold its sequence.
    """
    example = summary.study.example
    if example is None or not example.sequence:
        return ""
    vendor = files("genomenet.report").joinpath("vendor")
    config = browser_config(summary, example)
    return fill(
        "browser.html.jinja",
        study=summary.study,
        example=example,
        component=vendor.joinpath(COMPONENT).read_text(encoding="utf-8"),
        # In a script, "<" could end it.
        config=json.dumps(config, allow_nan=False).replace("<", "\\u003c"),
        whole=_locus(example, example.start, example.end),
        part=config["locus"],
    )


def browser_config(summary: Summary, example: Example) -> dict:
    """What igv.js is given, but with the values of bases as bare lists.

    Parameters
    ----------
    summary : Summary
        Arms, which give names and colours.
    example : Example
        The window, its sequence known.

    Returns
    -------
    dict
        igv.js's configuration. A track with `values` gets a feature a base, null where there is
        none.
    """
    contig = _contig(example)
    header = f">{contig}:{example.start + 1}-{example.end} @len={example.end}"
    low, high = zoom(example, FIRST_BP)
    return {
        "loadDefaultGenomes": False,  # it would ask the network for a list
        "genomeList": [],
        "showSVGButton": True,
        "reference": {
            "id": "window",
            "name": summary.study.name,
            "fastaURL": data_uri(f"{header}\n{example.sequence}\n", "window.txt"),
            "indexed": False,
            "wholeGenomeView": False,
            "tracks": [],
        },
        "locus": _locus(example, low, high),
        "tracks": [
            {"type": "sequence", "order": -1000},
            *_annotation(example, contig),
            *_boundaries(summary, example, contig),
            *_surprise(summary, example),
        ],
    }


def _annotation(example: Example, contig: str) -> list[dict]:
    tracks = []
    if example.genes:
        genes = [_gene(gene, contig) for gene in example.genes]
        tracks.append(_places("genes", genes, INK, 60 if len(genes) == 1 else 100, "EXPANDED"))
    if example.soft_mask:
        runs = [{"chr": contig, "start": start, "end": end} for start, end in example.soft_mask]
        tracks.append(_places("soft-masked repeats", runs, "#6a7385", 24))
    return tracks


def _boundaries(summary: Summary, example: Example, contig: str) -> list[dict]:
    tracks: list[dict] = []
    seen = set()
    several = {track.arm for track in example.tracks if track.stage}
    for track in example.tracks:
        if track.arm not in {one.arm for one in summary.arms} or (track.arm, track.stage) in seen:
            continue  # of several seeds, the first
        seen.add((track.arm, track.stage))
        arm = summary.arm(track.arm)
        name = f"{arm.label}, stage {track.stage}" if track.arm in several else arm.label
        tracks.append(
            _numbers(f"{name}: boundary probability", track.probability, colour(arm.index), 1.0)
        )
        bases = [
            {"chr": contig, "start": example.start + i, "end": example.start + i + 1}
            for i, here in enumerate(track.boundary)
            if here
        ]
        tracks.append(_places(f"{name}: boundaries", bases, colour(arm.index), 24))
    return tracks


def _surprise(summary: Summary, example: Example) -> list[dict]:
    tracks: list[dict] = []
    seen = set()
    highest = max((n for one in example.surprise for n in one.nats if math.isfinite(n)), default=1)
    for one in example.surprise:
        if one.arm not in {arm.arm for arm in summary.arms} or one.arm in seen:
            continue
        seen.add(one.arm)
        arm = summary.arm(one.arm)
        bits = [round(nats / math.log(2), 3) if math.isfinite(nats) else None for nats in one.nats]
        top = math.ceil(2 * highest / math.log(2)) / 2
        tracks.append(_numbers(f"{arm.label}: surprise, bits", bits, colour(arm.index), top))
    return tracks


def _numbers(name: str, values: tuple | list, shade: str, top: float) -> dict:
    return {
        "type": "wig", "name": name, "values": list(values), "color": shade, "min": 0, "max": top,
        "height": 50, "autoscale": False,
    }  # fmt: skip


def _places(name: str, features: list, shade: str, height: int, mode: str = "COLLAPSED") -> dict:
    return {
        "type": "annotation", "name": name, "features": features, "color": shade,
        "altColor": shade, "height": height, "displayMode": mode,
    }  # fmt: skip


def _gene(gene: Gene, contig: str) -> dict:
    return {
        "chr": contig,
        "start": gene.start,
        "end": gene.end,
        "name": gene.name,
        "strand": gene.strand,
        "exons": [{"start": start, "end": end} for start, end in gene.exons],
    }


def _contig(example: Example) -> str:
    """The contig's name as igv.js can take it: a colon would begin coordinates."""
    return example.contig.replace(":", "_")


def _locus(example: Example, start: int, end: int) -> str:
    return f"{_contig(example)}:{start + 1}-{end}"
