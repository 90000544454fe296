"""Opens the pages in headless Chromium, offline: no console error, and all is really drawn."""

import html
import math
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from genomenet.report.page import write_report
from tests.report.example_findings import CHARTS, make_findings
from tests.study.example_study import make_study

THEMES = {"dark": 0, "light": 1}
"""What Blink calls them in --blink-settings."""

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--v=0", "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # no network
)  # fmt: skip

# Added to a copy of the page: writes the drawn size of every figure, and whether the page itself
# scrolls sideways, into the DOM that --dump-dom prints.
MEASURE = """<script>addEventListener("load", () => {
  const sizes = [...document.querySelectorAll("figure svg")].map(
    svg => { const box = svg.getBoundingClientRect(); return `${box.width}x${box.height}`; });
  document.body.dataset.sizes = sizes.join(" ");
  document.body.dataset.overflow = document.documentElement.scrollWidth - innerWidth;
});</script></body>"""


def chromium(tmp_path, page, width, *flags):
    """Run Chromium on a page and return its standard output and error."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.fail("chromium is not installed; `make browser` installs it")
    command = [program, *FLAGS, f"--user-data-dir={tmp_path / f'profile{width}'}",
               f"--window-size={width},4000", *flags, page.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


# Added likewise: clicks a heading twice and writes down the rows after each click.
SORT = """<script>addEventListener("load", () => {
  const table = document.querySelector("[aria-labelledby=regions-classes] table");
  const rows = () => [...table.tBodies[0].rows].map(row => row.cells[0].textContent).join("|");
  const button = table.querySelectorAll("th[data-column] button")[2];
  const seen = [rows()];
  for (let i = 0; i < 2; i++) {
    button.focus();
    button.click();
    seen.push(rows() + "/" + button.parentElement.getAttribute("aria-sort"));
  }
  const folded = document.querySelector("[aria-labelledby=regions-motifs] table");
  folded.querySelector("th button").click();
  seen.push(folded.tBodies[0].rows[2].cells[0].textContent);
  const arms = document.querySelector("[aria-labelledby=arms] table");
  [...arms.querySelectorAll("th[data-column='12'] button")][0].click();
  seen.push(arms.tBodies[0].rows[0].cells[12].textContent);
  document.body.dataset.focus = document.activeElement.tagName;
  document.body.dataset.sorted = seen.join("@");
});</script></body>"""

LOOK_AGAIN = """<script>setTimeout(() => {
  const browser = document.querySelector("#browser").shadowRoot;
  document.body.dataset.canvases = browser.querySelectorAll("canvas").length;
}, 4000);</script></body>"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A study's report with findings of all kinds."""
    return write_report(make_study(), tmp_path_factory.mktemp("report"), [make_findings()])


def with_script(page, script, path):
    """A copy of a page with a script at its end."""
    text = page.read_text(encoding="utf-8")
    path.write_text(script.join(text.rsplit("</body>", 1)), encoding="utf-8")
    return path


def pixels(path):
    """A picture's rows of colours."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), dtype=float)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1200, 520])
def test_the_report_opens_cleanly(tmp_path, report, width):
    dom, log = chromium(
        tmp_path, with_script(report, MEASURE, tmp_path / "m.html"), width, "--dump-dom"
    )
    assert "CONSOLE" not in log
    sizes = re.search(r'data-sizes="([^"]*)"', dom)[1].split()
    assert len(sizes) == 5 + len(CHARTS)
    for size in sizes:
        wide, high = map(float, size.split("x"))
        assert wide > 300
        assert high > 80
    assert float(re.search(r'data-overflow="([^"]*)"', dom)[1]) <= 0


@pytest.mark.browser
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["report.html", "browser.html"])
def test_pages_can_be_looked_at_in_both_themes(tmp_path, report, name, theme):
    picture = tmp_path / "page.png"
    flags = (f"--blink-settings=preferredColorScheme={THEMES[theme]}",
             "--virtual-time-budget=8000", f"--screenshot={picture}")  # fmt: skip
    _, log = chromium(tmp_path, report.parent / name, 1200, *flags)
    assert "CONSOLE" not in log
    seen = pixels(picture)
    ground = seen[-1, 0]
    assert (ground.mean() < 60) == (theme == "dark")
    # Something is drawn all down the report, and in colours; the browser fills what it needs.
    drawn = (np.abs(seen - ground) > 24).any(axis=(1, 2))
    assert drawn.mean() > (0.5 if name == "report.html" else 0.15)
    coloured = (seen.max(axis=2) - seen.min(axis=2)) > 70
    assert coloured.sum() > 3000


@pytest.mark.browser
def test_tables_sort_by_numbers_and_words(tmp_path, report):
    page = with_script(report, SORT, tmp_path / "sort.html")
    dom, log = chromium(tmp_path, page, 1200, "--dump-dom")
    assert "CONSOLE" not in log
    seen = html.unescape(re.search(r'data-sorted="([^"]*)"', dom)[1])
    before, up, down, motif, best = seen.split("@")
    assert before == "CDS|intron|<script>alert(1)</script>"
    assert up.startswith("CDS|intron|")
    assert up.endswith("/ascending")
    assert down.startswith("intron|CDS|")  # what has no number stays last
    assert down.endswith("/descending")
    assert motif == "motif 2"  # by number within words: not motif 10
    finals = sorted(one.final.nats for one in make_study().runs)
    assert float(best) == pytest.approx(finals[0] / math.log(2), abs=0.002)
    assert re.search(r'data-focus="([^"]*)"', dom)[1] == "BUTTON"


@pytest.mark.browser
def test_the_browser_page_draws_all_tracks_without_a_network(tmp_path, report):
    page = with_script(report.parent / "browser.html", LOOK_AGAIN, tmp_path / "browser.html")
    dom, log = chromium(tmp_path, page, 1200, "--virtual-time-budget=8000", "--dump-dom")
    assert "CONSOLE" not in log
    # Sequence, genes, repeats, two arms' boundaries twice, five arms' surprise; and the ruler.
    assert int(re.search(r'data-tracks="(\d+)"', dom)[1]) >= 12
    assert int(re.search(r'data-canvases="(\d+)"', dom)[1]) >= 12


@pytest.mark.browser
@pytest.mark.parametrize("name", ["report.html", "browser.html"])
def test_the_pages_policy_makes_any_request_a_console_error(tmp_path, report, name):
    text = (report.parent / name).read_text(encoding="utf-8")
    policy = re.search(r'<meta http-equiv="Content-Security-Policy"[^>]*>', text)[0]
    broken = tmp_path / "broken.html"
    broken.write_text(
        f'<!DOCTYPE html><title>x</title>{policy}<link rel="icon" href="data:,">'
        '<script>fetch("https://example.org/genomes.json").catch(() => 0)</script>'
    )
    _, log = chromium(tmp_path, broken, 800, "--dump-dom")
    assert "CONSOLE" in log


@pytest.mark.browser
def test_the_check_sees_console_errors(tmp_path):
    broken = tmp_path / "broken.html"
    broken.write_text("<!DOCTYPE html><title>x</title><script>missing()</script>")
    _, log = chromium(tmp_path, broken, 800, "--dump-dom")
    assert "CONSOLE" in log
