"""Delimiters by hand-made examples and by regular expressions."""

import re

import pytest
import torch

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.delimiters import NAMES, DelimiterChunker, parse_delimiter
from genomenet.errors import UserError
from genomenet.genome.alphabet import encode


def found(names, letters, masked=None):
    """Numbers of the bases at which a boundary is asked for; base i stands at position i + 1."""
    tokens = torch.from_numpy(encode("N" + letters).astype("int64"))[None]
    valid = torch.ones_like(tokens, dtype=torch.bool)
    if masked is None:
        masked = [letter.islower() for letter in letters]
    mask = torch.tensor([[False, *masked]])
    p = DelimiterChunker(names)(torch.zeros(1, tokens.shape[1], 1), Positions(valid, tokens, mask))
    return [t - 1 for t in p[0].nonzero()[:, 0].tolist()]


def test_soft_mask():
    assert found(["soft_mask"], "ACgtaACGtA") == [2, 5, 8, 9]
    assert found(["soft_mask"], "acgTT") == [0, 3]


def test_n():
    assert found(["n"], "ACNNNGTN") == [2, 5, 7]
    assert found(["n"], "NNA") == [2], "the start symbol is no base"


def test_stop_codons_in_any_frame_and_in_one():
    letters = "TAATGATTAGNTAG"
    expected = [m.start() + 2 for m in re.finditer("(?=(TAA|TAG|TGA))", letters)]
    assert found(["stop_codon"], letters) == expected
    for frame in range(3):
        inside = [i for i in expected if (i - 2) % 3 == frame]
        assert found([f"stop_codon:{frame}"], letters) == inside
    assert found(["stop_codon"], "TANATAGTNA") == [6], "an unknown base completes nothing"


def test_motifs():
    generator = torch.Generator().manual_seed(0)
    letters = "".join("ACGT"[i] for i in torch.randint(0, 4, (3000,), generator=generator).tolist())
    forward = [m.start() + 3 for m in re.finditer("(?=TA[AT][AG])", letters)]
    backward = [m.start() + 3 for m in re.finditer("(?=[CT][AT]TA)", letters)]
    assert found(["motif:TAWR"], letters) == forward
    assert found(["motif_both:tawr"], letters) == sorted({*forward, *backward})
    assert found(["motif:TATAWAW"], "CTATAAATC") == [7]
    assert found(["motif:NNN"], "ACNGTAA") == [5, 6]


def test_several_at_once():
    assert found(["n", "motif:CA"], "CANG") == [1, 2, 3]


def test_spaces():
    text = b"ab, (c)d\xc3\xa4 9\n\n"
    tokens = torch.tensor([[254, *text]])
    where = Positions(torch.ones_like(tokens, dtype=torch.bool), tokens)
    p = DelimiterChunker(["space"], "bytes")(torch.zeros(1, tokens.shape[1], 1), where)
    hits = [t - 1 for t in p[0].nonzero()[:, 0].tolist()]
    # The comma; the bracket behind c; the first byte of a letter of two; blank; end of line.
    assert hits == [2, 6, 8, 10, 12]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_read(name):
    assert parse_delimiter(name).reach >= 1


@pytest.mark.parametrize(
    ("names", "alphabet", "says"),
    [
        (["softmask"], "dna", "did you mean 'soft_mask'"),
        (["stop_codon:3"], "dna", "there is no 'stop_codon:3'"),
        (["motif:TAX"], "dna", "'X', which is no IUPAC letter"),
        (["motif:"], "dna", "there is no 'motif:'"),
        (["space"], "dna", "is for model.alphabet bytes"),
        (["n"], "bytes", "is for model.alphabet dna"),
    ],
)
def test_mistakes_are_told(names, alphabet, says):
    with pytest.raises(UserError, match=re.escape(says)):
        DelimiterChunker(names, alphabet)


def test_a_missing_mask_is_told():
    tokens = torch.zeros(1, 4, dtype=torch.int64)
    where = Positions(torch.ones(1, 4, dtype=torch.bool), tokens)
    with pytest.raises(UserError, match="soft_mask needs to know"):
        DelimiterChunker(["soft_mask"])(torch.zeros(1, 4, 1), where)
