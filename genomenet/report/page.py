"""The report folder: one self-contained report.html, its figures as SVG, its tables as files."""

from collections.abc import Sequence
from pathlib import Path

from genomenet import __version__
from genomenet.errors import UserError
from genomenet.evaluation.findings import Findings
from genomenet.evaluation.findings_file import study_findings
from genomenet.files import whole_file
from genomenet.report.boundaries import boundary_window
from genomenet.report.browser import BROWSER, browser_page
from genomenet.report.curves import by_bases, by_flops, chunk_rates
from genomenet.report.dots import final_bits
from genomenet.report.findings_section import Section, section_of
from genomenet.report.headline import headline
from genomenet.report.html import fill
from genomenet.report.series_style import Palette
from genomenet.report.sort_numbers import arm_numbers, efficiency_numbers, floor_numbers
from genomenet.report.style import Drawing
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

REPORT = "report.html"


def write_report(
    study: Study, out_dir: str | Path, findings: Sequence[Findings] | None = None
) -> Path:
    """Write ``report.html``, ``figures/*.svg``, ``table.csv`` and ``table.md`` into a folder.

    With an example window whose sequence is known, ``browser.html`` shows it base by base.

    Parameters
    ----------
    study : Study
        With at least one run.
    out_dir : str or Path
        Made when missing; files of an earlier report are replaced one by one, each whole.
    findings : sequence of Findings, optional
        What evaluations found, a section each; those that `out_dir` keeps when left out.

    Returns
    -------
    Path
        Of report.html, which loads nothing from anywhere.
    """
    out = Path(out_dir)
    summary = summarise(study)
    drawings = draw(summary)
    palette = Palette({one.arm: one.index for one in summary.arms})
    found = study_findings(out) if findings is None else findings
    sections = [section_of(one, palette) for one in found]
    _write_figures(drawings, sections, out)
    with whole_file(out / "table.csv") as handle:
        handle.write(csv_table(study))
    with whole_file(out / "table.md") as handle:
        handle.write(markdown_table(study))
    browser = browser_page(summary)
    if browser:
        with whole_file(out / BROWSER) as handle:
            handle.write(browser)
    else:
        (out / BROWSER).unlink(missing_ok=True)
    with whole_file(out / REPORT) as handle:
        handle.write(page(summary, drawings, sections, BROWSER if browser else ""))
    return out / REPORT


def write_findings_report(findings: Sequence[Findings], out_dir: str | Path) -> Path:
    """Write ``report.html`` and ``figures/*.svg`` of findings alone, without a study.

    Raises
    ------
    UserError
        When two are of one kind.
    """
    kinds = [one.kind for one in findings]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise UserError(f"two of the files hold {kind} findings; report them one at a time")
    out, palette = Path(out_dir), Palette()
    sections = [section_of(one, palette) for one in findings]
    _write_figures([], sections, out)
    title = findings[0].title if len(findings) == 1 else "Findings"
    with whole_file(out / REPORT) as handle:
        handle.write(
            fill("findings.html.jinja", title=title, version=__version__, sections=sections)
        )
    return out / REPORT


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


def page(
    summary: Summary, drawings: list[Drawing], sections: Sequence[Section] = (), browser: str = ""
) -> str:
    """Fill the template.

    Parameters
    ----------
    summary : Summary
        What to say.
    drawings : list of Drawing
        Put inline.
    sections : sequence of Section
        One for each kind of findings.
    browser : str
        Name of the page beside it that shows the example window; empty without.

    Returns
    -------
    str
        An HTML5 document that loads nothing.
    """
    first, *others = headline(summary)
    best = summary.ranked[0] if summary.ranked else None
    return fill(
        "report.html.jinja",
        study=summary.study,
        training_bases=summary.training_bases,
        one_schedule=summary.one_schedule,
        first=first,
        others=others,
        arms=[
            {
                "cells": cells,
                "numbers": numbers,
                "layout": one.first.layout,
                "seeds": len(one.runs),
                "best": one is best,
            }
            for one, cells, numbers in zip(
                summary.arms, arm_rows(summary), arm_numbers(summary), strict=True
            )
        ],
        table_csv=csv_table(summary.study),
        interval=best.final if best else None,
        efficiency_headers=EFFICIENCY_HEADERS,
        efficiency=_rows(efficiency_rows(summary), efficiency_numbers(summary)),
        floor_headers=FLOOR_HEADERS,
        floors=_rows(floor_rows(summary.study), floor_numbers(summary.study)),
        best_floor=summary.floor.name if summary.floor else "",
        drawings=drawings,
        sections=sections,
        browser=browser,
    )


def _rows(cells: Sequence[tuple], numbers: Sequence[tuple]) -> list[dict[str, tuple]]:
    return [{"cells": row, "numbers": behind} for row, behind in zip(cells, numbers, strict=True)]


def _write_figures(drawings: Sequence[Drawing], sections: Sequence[Section], out: Path) -> None:
    for drawing in [*drawings, *(one for section in sections for one in section.drawings)]:
        with whole_file(out / "figures" / f"{drawing.name}.svg") as handle:
            handle.write('<?xml version="1.0" encoding="utf-8"?>\n' + drawing.svg)
