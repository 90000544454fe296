import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomenet.genome import letter_blocks
from genomenet.genome.alphabet import CODE_BITS, SOFT_MASK_FLAG, NotNucleotides, pack
from genomenet.genome.contigs import Contig
from genomenet.genome.letter_blocks import LetterBlocks

NUCLEOTIDES = "ACGTUNRYSWKMBDHVacgtunryswkmbdhv"


class Taken:
    """Keeps copies of the blocks it is given."""

    def __init__(self) -> None:
        self.blocks: list[np.ndarray] = []

    def __call__(self, packed: np.ndarray) -> None:
        self.blocks.append(packed.copy())

    @property
    def packed(self) -> np.ndarray:
        return np.concatenate([np.zeros(0, np.uint8), *self.blocks])


@pytest.fixture(scope="module", autouse=True)
def small_blocks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(letter_blocks, "BLOCK_BP", 24)
        yield


@st.composite
def wrapped(draw) -> str:
    """Letters in lines of one length, but for a few that are not, or end otherwise."""
    width = draw(st.integers(1, 26))
    letters = draw(st.text(alphabet=NUCLEOTIDES, max_size=200))
    lines = [letters[i : i + width] for i in range(0, len(letters), width)]
    for _ in range(draw(st.integers(0, 2))):
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(["", "A", "C" * 30])))
    end = draw(st.sampled_from(["\n", "\n", "\n", "\r\n", " \n", "\t\n", "\n\n", ""]))
    return "".join(line + end for line in lines)


@settings(max_examples=300)
@given(
    st.lists(wrapped(), min_size=1, max_size=4),
    st.lists(st.integers(0, 250), max_size=3),
)
def test_against_packing_at_once(texts, cuts):
    taken = Taken()
    blocks = LetterBlocks(taken)
    offset, contigs = 0, []
    for number, text in enumerate(texts):
        blocks.begin(f"c{number}")
        edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
        for start, end in itertools.pairwise(edges):
            blocks.append(text[start:end].encode())
        letters = len("".join(text.split()))
        assert (blocks.contig_name, blocks.contig_length_bp) == (f"c{number}", letters)
        contigs.append(Contig(f"c{number}", letters, offset))
        offset += letters
    blocks.finish()
    whole = "".join("".join(texts).split())
    expected = pack(whole.encode()) & (CODE_BITS | SOFT_MASK_FLAG)
    assert np.array_equal(taken.packed, expected)
    assert blocks.contigs() == tuple(contigs)
    assert blocks.length_bp == len(whole)
    assert blocks.uracil_to_t == whole.upper().count("U")
    assert blocks.ambiguity_to_n == sum(whole.upper().count(x) for x in "RYSWKMBDHV")
    assert all(block.size == 24 for block in taken.blocks[:-1])


@pytest.mark.parametrize("foreign", ["E", "-", "\0", ">", "\x0b", "é"])
def test_foreign_letters_are_refused(foreign):
    blocks = LetterBlocks(Taken())
    blocks.begin("x")
    blocks.append(b"ACGT")
    with pytest.raises(NotNucleotides):
        blocks.append(f"ACGN{foreign}A".encode("latin-1"))
