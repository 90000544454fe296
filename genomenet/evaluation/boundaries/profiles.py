"""Boundaries around edges: the rate at each distance, and how much it is raised at the edge."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genomenet.evaluation.boundaries.edges import Edges
from genomenet.evaluation.boundaries.windows import BoundaryWindows, Measured, measure_ratios
from genomenet.genome.alphabet import COMPLEMENT, N_CODE

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

REACH = 30
OFFSETS = np.arange(-REACH, REACH + 1)
NEAR_BP = 2
FAR_BP = 10
NEAR = np.abs(OFFSETS) <= NEAR_BP
FAR = np.abs(OFFSETS) >= FAR_BP

LOOKALIKES = 4
"""Places elsewhere, with the same bases around, that each edge is compared with."""


@dataclass(frozen=True)
class Profile:
    """Boundaries around the edges of one kind, all read in their own direction.

    Attributes
    ----------
    kind : str
        Of edge.
    boundaries, bases : ndarray of int64, shape (61,)
        At offsets -30 to 30 from the first base behind the edge.
    """

    kind: str
    boundaries: Ints
    bases: Ints


def edge_profiles(
    windows: BoundaryWindows, boundary_WL: Mask, edges: Sequence[Edges], seed: int = 0
) -> tuple[list[Measured], list[Profile]]:
    """Rate within 2 bases of edges over the rate 10 to 30 bases away on both sides.

    Parameters
    ----------
    windows : BoundaryWindows
        Where the edges are.
    boundary_WL : ndarray of bool, shape (windows, bases)
        Boundaries of a stage.
    edges : sequence of Edges
        One a kind; empty ones are left out.
    seed : int
        Of the bootstrap.

    Returns
    -------
    tuple of list of Measured and list of Profile
        One a kind. `n` counts the edges.
    """
    edges = [one for one in edges if len(one)]
    if not edges:
        return [], []
    columns, profiles = [], []
    for one in edges:
        hit_EO, known_EO = _around(windows, boundary_WL, one)
        parts = [part[:, where].sum(1) for where in (NEAR, FAR) for part in (hit_EO, known_EO)]
        columns_W4 = np.zeros((len(windows), 4))
        np.add.at(columns_W4, one.window_E, np.stack(parts, axis=1))
        columns.append(windows.by_block(columns_W4))
        profiles.append(Profile(one.kind, hit_EO.sum(0), known_EO.sum(0)))
    measured = measure_ratios(
        [one.kind for one in edges], [len(one) for one in edges], np.stack(columns, axis=1), seed
    )
    return measured, profiles


def _around(windows: BoundaryWindows, boundary_WL: Mask, edges: Edges) -> tuple[Mask, Mask]:
    """Boundaries and known bases at each offset of each edge, shape (edges, offsets)."""
    length = boundary_WL.shape[1]
    place_EO = edges.place_E[:, None] + edges.step_E[:, None] * OFFSETS
    inside_EO = (place_EO >= 0) & (place_EO < length)
    place_EO = np.clip(place_EO, 0, length - 1)
    known_EO = inside_EO & windows.known_WL[edges.window_E[:, None], place_EO]
    return known_EO & boundary_WL[edges.window_E[:, None], place_EO], known_EO


def lookalikes(windows: BoundaryWindows, edges: Edges, seed: int = 0) -> Edges:
    """Random other places with the same two bases before them and the same two behind.

    A rule such as "after every GT" raises the rate at splice donors, which all begin with it,
    without knowing splice sites; it raises the rate here just as much.

    Parameters
    ----------
    windows : BoundaryWindows
        Where they are looked for.
    edges : Edges
        Of one kind; an edge with N around it, or without another such place, has none.
    seed : int
        Of the drawing.
    """
    rng = np.random.default_rng(seed)
    words = {1: _words(windows.codes_WL, 1), -1: _words(windows.codes_WL, -1)}
    length = windows.codes_WL.shape[1]
    own = set((edges.window_E * length + edges.place_E).tolist())
    flat: list[Ints] = []
    steps: list[Ints] = []
    for step, word_WL in words.items():
        here = edges.step_E == step
        wanted = word_WL[edges.window_E[here], edges.place_E[here]]
        for word in np.unique(wanted[wanted >= 0]):
            places = np.flatnonzero(word_WL == word)
            places = places[[place not in own for place in places.tolist()]]
            if places.size:
                count = LOOKALIKES * int((wanted == word).sum())
                flat.append(rng.choice(places, count))
                steps.append(np.full(count, step, dtype=np.int64))
    if not flat:
        nothing = np.zeros(0, dtype=np.int64)
        return Edges(edges.kind, nothing, nothing, nothing)
    place = np.concatenate(flat).astype(np.int64)
    return Edges(edges.kind, place // length, place % length, np.concatenate(steps))


def _words(codes_WL: npt.NDArray[np.uint8], step: int) -> Ints:
    """Number of the four bases at offsets -2 to 1 of every place; -1 where one is N or missing."""
    codes_WL = codes_WL if step == 1 else COMPLEMENT[codes_WL[:, ::-1]]
    found = np.full(codes_WL.shape, -1, dtype=np.int64)
    width = codes_WL.shape[1] - 3
    if width > 0:
        parts = np.stack([codes_WL[:, i : i + width] for i in range(4)]).astype(np.int64)
        word = ((parts[0] * 4 + parts[1]) * 4 + parts[2]) * 4 + parts[3]
        found[:, 2 : 2 + width] = np.where((parts < N_CODE).all(0), word, -1)
    return found if step == 1 else found[:, ::-1]
