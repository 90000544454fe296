"""Kinds of bases that likelihood is told apart by, as sets of the groups they are summed in."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genomenet.annotation.region_classes import (
    CLASS_BITS,
    CODING_1,
    CODING_2,
    CODING_3,
    MINUS,
    PLUS,
    REPEAT,
)
from genomenet.evaluation.window_sums import GROUPS, SOFT_MASKED

Groups = npt.NDArray[np.bool_]
_GROUP = np.arange(GROUPS)

ALL: Groups = np.ones(GROUPS, dtype=np.bool_)
MASKED: Groups = (_GROUP & SOFT_MASKED) > 0
UNMASKED: Groups = ~MASKED
IN_REPEAT: Groups = (_GROUP & REPEAT) > 0

CODONS = (CODING_1, CODING_2, CODING_3)


@dataclass(frozen=True)
class Kind:
    """A kind of base.

    Attributes
    ----------
    name : str
        Such as "intron".
    groups : ndarray of bool, shape (GROUPS,)
        Those that are of it.
    reverse : ndarray of bool, shape (GROUPS,)
        The same where the reverse strand is read; another set only if reading direction matters.
    """

    name: str
    groups: Groups
    reverse: Groups


def classes_of(classes: tuple[str, ...]) -> list[Kind]:
    """Every class of a track, the highest precedence first."""
    kinds = []
    for code, name in reversed(list(enumerate(classes))):
        here = code == (_GROUP & CLASS_BITS)
        kinds.append(Kind(name, here, here))
    return kinds


def codon_positions(classes: tuple[str, ...]) -> list[tuple[str, int, Kind]]:
    """Places in codons, read along the gene ("sense") and against it ("antisense").

    Returns
    -------
    list of (direction, place, Kind)
        Places 1 to 3 along the gene. Bases that are coding on both strands are left out.
    """
    found = []
    strand = _GROUP & (PLUS | MINUS)
    for direction, along, against in (("sense", PLUS, MINUS), ("antisense", MINUS, PLUS)):
        for place, name in enumerate(CODONS, 1):
            if name not in classes:
                continue
            here = classes.index(name) == (_GROUP & CLASS_BITS)
            kind = Kind(
                f"{direction} {place}", here & (strand == along), here & (strand == against)
            )
            found.append((direction, place, kind))
    return found
