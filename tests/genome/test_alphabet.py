import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomenet.genome.alphabet import (
    AMBIGUITY_CODES,
    AMBIGUITY_FLAG,
    CODE_BITS,
    SOFT_MASK_FLAG,
    URACIL_FLAG,
    NotNucleotides,
    decode,
    encode,
    foreign_letter_reason,
    pack,
    reverse_complement,
)

CODE_OF = dict(zip("ACGTUN", [0, 1, 2, 3, 3, 4], strict=True)) | dict.fromkeys(AMBIGUITY_CODES, 4)
NUCLEOTIDES = "ACGTUNRYSWKMBDHVacgtunryswkmbdhv"


@given(st.text(alphabet=NUCLEOTIDES + "\n\r \t"))
def test_pack_letter_by_letter(text):
    letters = [letter for letter in text if letter not in "\n\r \t"]
    packed = pack(text.encode())
    assert (packed & CODE_BITS).tolist() == [CODE_OF[x.upper()] for x in letters]
    assert ((packed & SOFT_MASK_FLAG) != 0).tolist() == [x.islower() for x in letters]
    ambiguous = [x.upper() in AMBIGUITY_CODES for x in letters]
    assert ((packed & AMBIGUITY_FLAG) != 0).tolist() == ambiguous
    assert ((packed & URACIL_FLAG) != 0).tolist() == [x in "uU" for x in letters]


def test_every_other_byte_is_refused():
    for byte in range(256):
        if chr(byte) in NUCLEOTIDES + "\n\r \t":
            continue
        with pytest.raises(NotNucleotides):
            pack(b"ACGT" + bytes([byte]))


@given(st.text(alphabet="ACGTN"))
def test_decode_undoes_encode(text):
    assert decode(encode(text)) == text


@given(st.text(alphabet="ACGTN"))
def test_reverse_complement(text):
    other = {"A": "T", "C": "G", "G": "C", "T": "A", "N": "N"}
    codes = encode(text)
    assert decode(reverse_complement(codes)) == "".join(other[x] for x in reversed(text))
    assert np.array_equal(reverse_complement(reverse_complement(codes)), codes)


@pytest.mark.parametrize("letter", "EFILPQZJOX*eq")
def test_protein_is_recognised(letter):
    assert "looks like protein" in foreign_letter_reason(letter)


@pytest.mark.parametrize("letter", "-.1@")
def test_other_letters_are_not_called_protein(letter):
    assert "protein" not in foreign_letter_reason(letter)
    assert repr(letter) in foreign_letter_reason(letter)
