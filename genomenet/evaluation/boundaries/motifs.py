"""Words of IUPAC letters, and where they stand on either strand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.genome.alphabet import LETTERS

IUPAC = {
    "A": "A", "C": "C", "G": "G", "T": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT",
    "K": "GT", "M": "AC", "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip
_COMPLEMENT = str.maketrans("ACGTRYSWKMBDHVN", "TGCAYRSWMKVHDBN")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


@dataclass(frozen=True)
class Motif:
    """A word and what it is called.

    Attributes
    ----------
    name : str
        Such as "TATA box".
    word : str
        IUPAC letters.
    """

    name: str
    word: str

    @property
    def reverse_complement(self) -> str:
        """The word on the other strand."""
        return reverse_complement(self.word)

    @property
    def backwards(self) -> str:
        """The same letters from last to first: no site, but as rich in every letter."""
        return self.word[::-1]


MOTIFS = (
    Motif("TATA box", "TATAWAW"),
    Motif("CCAAT box", "CCAAT"),
    Motif("GC box", "GGGCGG"),
    Motif("CRE", "TGACGTCA"),
    Motif("AP-1", "TGASTCA"),
    Motif("E-box", "CANNTG"),
    Motif("poly(A) signal", "AATAAA"),
    Motif("CTCF core", "CCGCGNGGNGGCAG"),
)
"""Well-known consensus words; TBP, NF-Y, SP1, CREB1, FOS::JUN, bHLH, CPSF and CTCF bind them."""


def read_motifs(words: Sequence[str]) -> tuple[Motif, ...]:
    """Motifs of the command line, or the well-known ones when there is none.

    Raises
    ------
    UserError
        When one is no NAME=IUPAC, too short, only N, or a name comes twice.
    """
    found: list[Motif] = []
    for text in words:
        name, equals, word = text.partition("=")
        word = word.upper()
        if not equals or not _NAME.fullmatch(name):
            raise UserError(f"--motif is '{text}'; write it as NAME=IUPAC, such as TATA=TATAWAW")
        wrong = sorted(set(word) - set(IUPAC))
        if wrong:
            raise UserError(f"--motif {text}: '{wrong[0]}' is no IUPAC letter of DNA")
        if not 3 <= len(word) <= 60 or not set(word) - {"N"}:
            raise UserError(f"--motif {text}: give 3 to 60 letters that are not all N")
        if name in [motif.name for motif in found]:
            raise UserError(f"two motifs are called '{name}'; give them different names")
        found.append(Motif(name, word))
    return tuple(found) or MOTIFS


def reverse_complement(word: str) -> str:
    """A word of IUPAC letters as it stands on the other strand."""
    return word[::-1].translate(_COMPLEMENT)


def word_starts(word: str, codes_WL: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Where a word begins on the strand that is read; overlapping instances count.

    Parameters
    ----------
    word : str
        IUPAC letters.
    codes_WL : ndarray of uint8, shape (windows, bases)
        Codes; N fits no letter, not even N.

    Returns
    -------
    ndarray of bool, shape (windows, bases)
    """
    found = np.zeros(codes_WL.shape, dtype=np.bool_)
    starts = codes_WL.shape[1] - len(word) + 1
    if starts < 1:
        return found
    fits = np.ones((len(codes_WL), starts), dtype=np.bool_)
    for i, letter in enumerate(word):
        allowed = np.zeros(256, dtype=np.bool_)
        allowed[[LETTERS.index(base) for base in IUPAC[letter]]] = True
        fits &= allowed[codes_WL[:, i : i + starts]]
    found[:, :starts] = fits
    return found
