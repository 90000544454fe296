"""One look for all figures, and SVG that is the same byte for byte wherever it is drawn."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, GRID, PAPER = "#1c2230", "#6a7385", "#dde1e8", "#fdfdfc"

# Okabe and Ito (2008), the two palest darkened so that lines keep 3:1 contrast on paper; the second
# of each pair is the same hue on a dark page.
SERIES = (
    ("#0072b2", "#5cb3f0"),
    ("#d55e00", "#ff8d47"),
    ("#00805c", "#34cfa0"),
    ("#b3588b", "#eba4cb"),
    ("#94700a", "#eec04e"),
    ("#2b8cbe", "#9ad3fb"),
    ("#5b5b5b", "#bdbdbd"),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

DARK = {INK: "#e6e9ef", FAINT: "#9aa4b5", GRID: "#303848", PAPER: "#151a23", **dict(SERIES)}
"""Colour on a dark page of every colour used on a light one."""

FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True)
class Drawing:
    """A finished figure.

    Attributes
    ----------
    name : str
        File name without ending, and prefix of all ids.
    title, caption : str
        What the figure shows; how to read it.
    description : str
        The same for those who cannot see it, with the numbers that matter.
    svg : str
        A whole SVG document on a light background.
    wide : bool
        Whether it takes the page's full width.
    csv : str
        The data behind it.
    """

    name: str
    title: str
    caption: str
    description: str
    svg: str
    wide: bool = False
    csv: str = ""

    def inline(self) -> str:
        """Return the SVG for a page, its colours taken from the page's light or dark theme."""
        themed = self.svg
        for light in DARK:
            themed = themed.replace(light, f"var({variable(light)}, {light})")
        return themed


def variable(colour: str) -> str:
    """Name the CSS variable that stands for a colour."""
    return f"--c{colour[1:]}"


def colour(index: int) -> str:
    """Return the colour of the arm at a position in the study."""
    return SERIES[index % len(SERIES)][0]


def marker(index: int) -> str:
    """Return the marker of the arm at a position in the study; no two of 49 arms look alike."""
    return MARKERS[(index + index // len(SERIES)) % len(MARKERS)]


def legend_height(entries: int) -> float:
    """Inches that a legend of two columns below a figure needs beyond its first two lines."""
    return 0.2 * max(0, -(-entries // 2) - 2)


@contextmanager
def looks(name: str) -> Iterator[None]:
    """Draw with the report's settings inside the block, whatever the user's matplotlib file says.

    Parameters
    ----------
    name : str
        Salt of the ids in the SVG.
    """
    import matplotlib

    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.family": ["DejaVu Sans"],  # ships with matplotlib, so text is measured alike anywhere
        "font.size": 9.5,
        "axes.titlesize": 9.5,
        "axes.labelsize": 9.5,
        "legend.fontsize": 9,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": FAINT,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "axes.facecolor": "none",
        "figure.facecolor": PAPER,
        "savefig.facecolor": PAPER,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "lines.linewidth": 1.8,
        "legend.frameon": False,
        "axes.unicode_minus": True,
        "path.simplify": True,
        "text.parse_math": False,  # a dollar sign in an arm's label is a dollar sign
    }
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        yield


def new_figure(width: float, height: float) -> "Figure":
    """Make a figure of so many inches without touching pyplot's global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def log_bases(axes: "Axes", label: str) -> None:
    """Make the x axis logarithmic with labels such as 2M and 10M."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    from genomenet.evaluation.formatting import compact

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(label)


def to_svg(figure: "Figure", name: str, title: str, description: str) -> str:
    """Write a figure as an SVG document with a title, a description and ids of its own.

    Parameters
    ----------
    figure : Figure
        Drawn under `looks(name)`.
    name : str
        Prefix of every id, so that several figures can share a page.
    title, description : str
        For screen readers.

    Returns
    -------
    str
        Scales to the width it is given; text stays text.
    """
    stream = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(stream, format="svg", metadata=nothing)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = text.replace("url(#", f"url(#{name}-")
    text = text.replace("'DejaVu Sans'", FONTS)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    names = (
        f' role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
    )
    return re.sub(r"(<svg[^>]*)>", lambda found: found[1] + names, text, count=1)
