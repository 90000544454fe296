"""Which colour, marker and line a series of findings gets: an arm keeps the study's."""

import re
from dataclasses import dataclass, field

from genomenet.evaluation.findings import Series
from genomenet.report.style import colour, marker

LINES: tuple[str, ...] = ("-", "-.", (0, (1, 1.2)), (0, (7, 1.5, 1, 1.5, 1, 1.5)))  # type: ignore[assignment]
DASHED = (0, (3.5, 2))


@dataclass(frozen=True)
class Look:
    """How a series is drawn.

    Attributes
    ----------
    colour, marker : str
        As matplotlib knows them.
    line : object
        Line style.
    alpha : float
        Paler for controls.
    filled : bool
        Whether its markers are; those of controls are not.
    group : int
        Number of the colour: series of one arm share it.
    """

    colour: str
    marker: str
    line: object
    alpha: float
    filled: bool
    group: int


@dataclass
class Palette:
    """The colours of a page: those of a study's arms first, then those of labels as they come.

    Attributes
    ----------
    arms : dict of str to int
        Place of each name in the palette; grows.
    """

    arms: dict[str, int] = field(default_factory=dict)

    def group(self, series: Series) -> int:
        """Number of the arm that a series is of."""
        name = series.of or series.label
        if name not in self.arms:
            name = re.sub(r"-seed\d+$", "", name)
        return self.arms.setdefault(name, len(self.arms))

    def looks(self, series: tuple[Series, ...]) -> list[Look]:
        """The look of every series of a chart; no two of one colour are drawn alike."""
        found, seen = [], dict[tuple[int, bool], int]()
        for one in series:
            group = self.group(one)
            turn = seen[group, one.control] = seen.get((group, one.control), -1) + 1
            found.append(
                Look(
                    colour(group),
                    marker(group + turn),
                    DASHED if one.control else LINES[turn % len(LINES)],
                    0.6 if one.control else 1.0,
                    not one.control,
                    group,
                )
            )
        return found
