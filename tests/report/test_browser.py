"""Opens the report in headless Chromium: no console error, and every figure is really drawn."""

import re
import shutil
import subprocess

import pytest

from genomenet.report.page import write_report
from tests.study.example_study import make_study

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--v=0", "--hide-scrollbars",
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


@pytest.mark.browser
@pytest.mark.parametrize("width", [1200, 520])
def test_the_report_opens_cleanly(tmp_path, width):
    page = write_report(make_study(), tmp_path / "report")
    measured = tmp_path / "measured.html"
    measured.write_text(page.read_text(encoding="utf-8").replace("</body>", MEASURE))
    dom, log = chromium(tmp_path, measured, width, "--dump-dom")
    assert "CONSOLE" not in log
    sizes = re.search(r'data-sizes="([^"]*)"', dom)[1].split()
    assert len(sizes) == 5
    for size in sizes:
        wide, high = map(float, size.split("x"))
        assert wide > 300
        assert high > 150
    assert float(re.search(r'data-overflow="([^"]*)"', dom)[1]) <= 0


@pytest.mark.browser
def test_the_report_can_be_looked_at(tmp_path):
    page = write_report(make_study(), tmp_path / "report")
    picture = tmp_path / "report.png"
    _, log = chromium(tmp_path, page, 1200, f"--screenshot={picture}")
    assert "CONSOLE" not in log
    assert picture.stat().st_size > 100_000


@pytest.mark.browser
def test_the_check_sees_console_errors(tmp_path):
    broken = tmp_path / "broken.html"
    broken.write_text("<!DOCTYPE html><title>x</title><script>missing()</script>")
    _, log = chromium(tmp_path, broken, 800, "--dump-dom")
    assert "CONSOLE" in log
