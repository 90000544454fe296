"""The report folder: one self-contained report.html, its figures as SVG, its tables as files."""

from pathlib import Path

from genomenet.files import whole_file
from genomenet.report.boundaries import boundary_window
from genomenet.report.curves import by_bases, by_flops, chunk_rates
from genomenet.report.dots import final_bits
from genomenet.report.headline import headline
from genomenet.report.style import DARK, Drawing, variable
from genomenet.report.summary import Summary, summarise
from genomenet.report.tables import (
    EFFICIENCY_HEADERS,
    FLOOR_HEADERS,
    arm_rows,
    csv_table,
    efficiency_rows,
    floor_rows,
    markdown_table,
)
from genomenet.study.results import Study

TEMPLATE = "report.html.jinja"


def write_report(study: Study, out_dir: str | Path) -> Path:
    """Write ``report.html``, ``figures/*.svg``, ``table.csv`` and ``table.md`` into a folder.

    Parameters
    ----------
    study : Study
        With at least one run.
    out_dir : str or Path
        Made when missing; files of an earlier report are replaced one by one, each whole.

    Returns
    -------
    Path
        Of report.html, which loads nothing from anywhere.
    """
    out = Path(out_dir)
    summary = summarise(study)
    drawings = draw(summary)
    for drawing in drawings:
        with whole_file(out / "figures" / f"{drawing.name}.svg") as handle:
            handle.write('<?xml version="1.0" encoding="utf-8"?>\n' + drawing.svg)
    with whole_file(out / "table.csv") as handle:
        handle.write(csv_table(study))
    with whole_file(out / "table.md") as handle:
        handle.write(markdown_table(study))
    with whole_file(out / "report.html") as handle:
        handle.write(page(summary, drawings))
    return out / "report.html"


def draw(summary: Summary) -> list[Drawing]:
    """Draw every figure the study has data for, in the order of the page.

    Parameters
    ----------
    summary : Summary
        Of at least one arm.

    Returns
    -------
    list of Drawing
        Byte for byte the same for the same study.
    """
    drawings = [
        by_bases(summary),
        final_bits(summary),
        by_flops(summary),
        chunk_rates(summary),
        boundary_window(summary),
    ]
    return [drawing for drawing in drawings if drawing is not None]


def page(summary: Summary, drawings: list[Drawing]) -> str:
    """Fill the template.

    Parameters
    ----------
    summary : Summary
        What to say.
    drawings : list of Drawing
        Put inline.

    Returns
    -------
    str
        An HTML5 document without scripts or references to other files.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("genomenet.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    first, *others = headline(summary)
    best = summary.ranked[0] if summary.ranked else None
    return environment.get_template(TEMPLATE).render(
        study=summary.study,
        first=first,
        others=others,
        arms=[
            {"cells": row, "layout": one.first.layout, "seeds": len(one.runs), "best": one is best}
            for one, row in zip(summary.arms, arm_rows(summary), strict=True)
        ],
        interval=best.final if best else None,
        efficiency_headers=EFFICIENCY_HEADERS,
        efficiency=efficiency_rows(summary),
        floor_headers=FLOOR_HEADERS,
        floors=floor_rows(summary.study),
        best_floor=summary.floor.name if summary.floor else "",
        drawings=drawings,
        colours=[(variable(light), light, dark) for light, dark in DARK.items()],
    )
