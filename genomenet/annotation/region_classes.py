"""The classes of bases that annotation tells apart, which one wins, and how a byte holds them."""

import re
from collections.abc import Sequence

from genomenet.errors import UserError

INTERGENIC = "intergenic"
INTRON = "intron"
PROMOTER = "promoter"
NONCODING_EXON = "noncoding_exon"
UTR, UTR_3, UTR_5 = "utr", "utr_3", "utr_5"
CODING, CODING_1, CODING_2, CODING_3 = "coding", "coding_1", "coding_2", "coding_3"
ACCEPTOR, DONOR = "splice_acceptor", "splice_donor"

CLASSES = (
    INTERGENIC,
    INTRON,
    PROMOTER,
    NONCODING_EXON,
    UTR,
    UTR_3,
    UTR_5,
    CODING,
    CODING_1,
    CODING_2,
    CODING_3,
    ACCEPTOR,
    DONOR,
)
"""Lowest precedence first: a class is painted over those before it, and its place is its code.

The order of what transcripts do is that of Ensembl's consequences (splice site, coding, UTR,
exon without coding sequence, intron). Promoters of other transcripts lie in introns so often
that they would vanish below them, so they come before introns and after all exons.
"""

CLASS_BITS = 0b00011111
STRAND_SHIFT = 5
REPEAT_SHIFT = 7
PLUS, MINUS = 1 << STRAND_SHIFT, 2 << STRAND_SHIFT
REPEAT = 1 << REPEAT_SHIFT
STRAND_BITS = {"+": PLUS, "-": MINUS, ".": 0}
STRAND_NAMES = ("none", "+", "-", "both")
CODE = {name: code for code, name in enumerate(CLASSES)}

SPLICE_SITE_BP = 2
# Shorter gaps between exons are shifts of the reading frame or errors of the assembly.
SHORTEST_INTRON_BP = 10

_LAYER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def with_layers(layers: Sequence[str]) -> tuple[str, ...]:
    """Return all classes, the user's layers on top of the others, a later one over an earlier one.

    Raises
    ------
    UserError
        A layer that can't be called so, or too many of them.
    """
    classes: tuple[str, ...] = CLASSES
    for name in layers:
        if not _LAYER_NAME.fullmatch(name):
            raise UserError(
                f"a layer can't be called '{name}'; take letters, digits and '_', a letter first"
            )
        if name in classes:
            raise UserError(f"there is a class '{name}' already; give the layer another name")
        classes = (*classes, name)
    if len(classes) > CLASS_BITS + 1:
        raise UserError(
            f"{len(layers)} layers are too many: a byte has room for "
            f"{CLASS_BITS + 1 - len(CLASSES)}; put some of the BED files together"
        )
    return classes
