"""The alphabets: nucleotides, with what letter is which code, and bytes, which are their own code.

Codes of nucleotides are ``A0 C1 G2 T3 N4``, so that the complement of a code below 4 is three
minus it. While a file is read each letter becomes one *packed* byte: the code in the low three
bits, and above it one flag each for soft-masked, for an ambiguity code that became N, for uracil
that became T, and for everything but A, C, G and T. That last flag is the highest bit, so that
`bytes.isascii` tells, at once, whether a whole block of letters is ordinary. Code and soft mask are
what is kept, as they are: a genome is stored, copied and sent to a device as packed bytes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LETTERS = "ACGTN"
N_CODE = 4
WHITESPACE = b"\n\r \t"

CODE_BITS = 0b111
SOFT_MASK_FLAG = 0b1_000
AMBIGUITY_FLAG = 0b10_000
KEPT_BITS = CODE_BITS | SOFT_MASK_FLAG
URACIL_FLAG = 0b100_000
UNUSUAL_FLAG = 0b10_000_000
NOT_A_NUCLEOTIDE = 255

AMBIGUITY_CODES = "RYSWKMBDHV"
PROTEIN_LETTERS = frozenset("EFILPQZJOX*")

COMPLEMENT = np.array([3, 2, 1, 0, 4], dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Alphabet:
    """What a model has to know about the codes of its data.

    Attributes
    ----------
    name : str
        As in `ModelConfig.alphabet`.
    unit : str
        What one code is called in reports.
    scored_codes : int
        Codes below it are targets; the others are read and never scored.
    start_code : int
        What stands in front of a window, and in its padding.
    complementable : bool
        Whether there is another strand.
    code_bits : int
        The bits of a packed byte that are its code.
    soft_mask_flag : int
        The bit that says soft-masked; 0 where nothing can be.
    """

    name: str
    unit: str
    scored_codes: int
    start_code: int
    complementable: bool
    code_bits: int
    soft_mask_flag: int

    @property
    def unscored_bits(self) -> int:
        """The bits of a packed byte of which codes that are targets have none."""
        return self.code_bits & -self.scored_codes

    def codes(self, packed: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the codes of packed bytes, of the same shape."""
        return packed & np.uint8(self.code_bits)

    def masked(self, packed: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Return which of some packed bytes are soft-masked, of the same shape."""
        return (packed & np.uint8(self.soft_mask_flag)) != 0

    @property
    def vocab_size(self) -> int:
        """Number of codes, the start code included."""
        return max(self.scored_codes, self.start_code + 1)


DNA = Alphabet(
    "dna",
    "base",
    scored_codes=4,
    start_code=N_CODE,
    complementable=True,
    code_bits=CODE_BITS,
    soft_mask_flag=SOFT_MASK_FLAG,
)

BYTES = Alphabet(
    "bytes",
    "byte",
    scored_codes=256,
    start_code=254,
    complementable=False,
    code_bits=255,
    soft_mask_flag=0,
)
"""Text: 254 is no byte of UTF-8, and the start symbol of H-Net's published models."""

ALPHABETS = {alphabet.name: alphabet for alphabet in (DNA, BYTES)}


class NotNucleotides(ValueError):
    """Letters outside the alphabet; whoever knows the file turns this into a sentence."""


def _packing_table() -> bytes:
    table = bytearray([NOT_A_NUCLEOTIDE] * 256)
    packed = {letter: code for code, letter in enumerate(LETTERS)}
    packed["N"] |= UNUSUAL_FLAG
    packed["U"] = LETTERS.index("T") | URACIL_FLAG | UNUSUAL_FLAG
    packed |= dict.fromkeys(AMBIGUITY_CODES, N_CODE | AMBIGUITY_FLAG | UNUSUAL_FLAG)
    for letter, value in packed.items():
        table[ord(letter)] = value
        table[ord(letter.lower())] = value | SOFT_MASK_FLAG
    return bytes(table)


_PACKING_TABLE = _packing_table()
_NUCLEOTIDE_LETTERS = bytes(b for b in range(256) if _PACKING_TABLE[b] != NOT_A_NUCLEOTIDE)
_DECODING_TABLE = LETTERS.encode() + b"?" * (256 - len(LETTERS))


def pack(letters: bytes) -> npt.NDArray[np.uint8]:
    """Turn text into packed bytes, dropping line ends and blanks.

    Parameters
    ----------
    letters : bytes
        Sequence text in either case, any line wrapping.

    Returns
    -------
    ndarray of uint8, shape (bases,)
        Read-only packed bytes; ``& CODE_BITS`` gives the codes.

    Raises
    ------
    NotNucleotides
        When some letter is neither a base, U, nor an IUPAC ambiguity code.
    """
    packed = np.frombuffer(pack_bytes(letters), dtype=np.uint8)
    if packed.size and packed.max() == NOT_A_NUCLEOTIDE:
        raise NotNucleotides(first_foreign_letter(letters))
    return packed


def pack_bytes(letters: bytes) -> bytes:
    """Pack like `pack`, but leave letters that are no nucleotides in, as `NOT_A_NUCLEOTIDE`."""
    # One C loop over the text; any wrapping costs the same.
    return letters.translate(_PACKING_TABLE, WHITESPACE)


def first_foreign_letter(letters: bytes) -> str:
    """Return the first letter of `letters` that is no nucleotide, or the empty string."""
    foreign = letters.translate(None, _NUCLEOTIDE_LETTERS + WHITESPACE)
    return chr(foreign[0]) if foreign else ""


def foreign_letter_reason(letter: str) -> str:
    """Say in half a sentence why `letter` cannot be read and what to do about it."""
    if letter.upper() in PROTEIN_LETTERS:
        return (
            f"the letter {letter!r} is not a nucleotide, this looks like protein; "
            "give a nucleotide sequence instead"
        )
    return (
        f"the letter {letter!r} is not a nucleotide; "
        "only A, C, G, T, U, N and the IUPAC ambiguity codes can be read"
    )


def encode(text: str) -> npt.NDArray[np.uint8]:
    """Return the codes of a nucleotide string, shape (bases,); either case.

    Raises
    ------
    NotNucleotides
        When some letter is no nucleotide.
    """
    return pack(text.encode("latin-1", "replace")) & np.uint8(CODE_BITS)


def decode(codes: npt.NDArray[np.uint8]) -> str:
    """Return the upper-case letters of `codes`, shape (bases,)."""
    return codes.astype(np.uint8, copy=False).tobytes().translate(_DECODING_TABLE).decode()


def reverse_complement(codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the other strand of `codes`, shape (bases,), read in its own direction."""
    return COMPLEMENT[codes[::-1]]
