"""How often boundaries fall in each class of bases and at each place of codons."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genomenet.evaluation.base_kinds import ALL, MASKED, UNMASKED, classes_of, codon_positions
from genomenet.evaluation.boundaries.windows import BoundaryWindows, Measured, measure_ratios

Mask = npt.NDArray[np.bool_]
Groups = npt.NDArray[np.bool_]


def rate_kinds(classes: Sequence[str]) -> list[tuple[str, Groups, Groups]]:
    """Kinds of bases, each with those that its rate is compared with.

    Classes and the soft mask are compared with all bases; a place in codons with all three places,
    so that a difference between coding sequence and the rest doesn't hide what the phase does.

    Returns
    -------
    list of (name, groups, groups of reference)
    """
    found = [("soft-masked", MASKED, ALL), ("not soft-masked", UNMASKED, ALL)]
    if not classes:
        return found
    found += [(kind.name, kind.groups, ALL) for kind in classes_of(tuple(classes))]
    places = codon_positions(tuple(classes))
    for direction, place, kind in places:
        same = [other.groups for way, _, other in places if way == direction]
        found.append((f"codon {place}, {direction}", kind.groups, np.logical_or.reduce(same)))
    return found


def boundary_rates(
    windows: BoundaryWindows, boundary_WL: Mask, position_WL: Mask, seed: int = 0
) -> list[Measured]:
    """Share of positions that are boundaries in each kind of base, over that of its reference.

    Parameters
    ----------
    windows : BoundaryWindows
        With annotation.
    boundary_WL : ndarray of bool, shape (windows, bases)
        The boundaries of a stage.
    position_WL : ndarray of bool, shape (windows, bases)
        Where the stage had to decide: all bases, or the boundaries of the stage outside it. N is
        left out.
    seed : int
        Of the bootstrap.
    """
    kinds = [
        (name, here, reference)
        for name, here, reference in rate_kinds(windows.classes)
        if (here[windows.group_WL] & windows.known_WL).any()
    ]
    decided_WL = position_WL & windows.known_WL
    columns = []
    for _, here, reference in kinds:
        parts = [
            (mask_WL & groups[windows.group_WL]).sum(1)
            for groups in (here, reference)
            for mask_WL in (decided_WL & boundary_WL, decided_WL)
        ]
        columns.append(windows.by_block(np.stack(parts, axis=1)))
    if not kinds:
        return []
    columns_KC4 = np.stack(columns, axis=1)
    counts = columns_KC4[:, :, 1].sum(0).astype(int).tolist()
    return measure_ratios([name for name, _, _ in kinds], counts, columns_KC4, seed)
