import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomenet.genome.content import ContentScan
from genomenet.genome.contigs import Contig
from genomenet.genome.importer import content_digest_of, import_genome
from genomenet.genome.indexed_fasta import IndexedFasta
from genomenet.genome.letter_blocks import BLOCK_BP
from tests.genome.files import fasta_text, write, write_gzip


def slow_digest(records: dict[str, str]) -> str:
    """The definition, letter by letter."""
    halves = [
        "ACGTN".index(letter.upper()) + (8 if letter.islower() else 0)
        for letters in records.values()
        for letter in letters
    ]
    halves += [0] * (len(halves) % 2)
    content = bytes(low + 16 * high for low, high in zip(halves[0::2], halves[1::2], strict=True))
    table = json.dumps([[name, len(letters)] for name, letters in records.items()])
    text = table + "\n" + hashlib.sha256(content).hexdigest()
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("length_bp", [1, 2, 4_097, BLOCK_BP, BLOCK_BP + 1])
def test_the_digest_is_what_it_is_said_to_be(tmp_path, length_bp):
    letters = "".join(np.random.default_rng(0).choice(list("ACGTacgtNn"), size=length_bp))
    records = {"one": letters, "two": "nACGTa"}
    source = write(tmp_path / "x.fa", fasta_text(records))
    expected = slow_digest(records)
    assert import_genome([source], tmp_path / "store").digest == expected
    assert content_digest_of([write_gzip(tmp_path / "x.fa.gz", fasta_text(records, 7))]) == expected
    assert IndexedFasta(source).digest == expected


def test_blocks_make_no_difference():
    packed = np.random.default_rng(0).integers(0, 4, 2_001).astype(np.uint8)
    packed[500:1_500] = 12
    contigs = [Contig("x", 600, 0), Contig("y", 1_401, 600)]
    whole, parts = ContentScan(), ContentScan()
    whole.feed(packed)
    for start in range(0, 2_001, 250):
        parts.feed(packed[start : start + 250])
    assert whole.digest(contigs) == parts.digest(contigs)
    assert whole.n_runs(contigs) == parts.n_runs(contigs)
    assert [(x.contig, x.start, x.end) for x in whole.n_runs(contigs)] == [
        ("x", 500, 600),
        ("y", 0, 900),
    ]


@given(st.lists(st.lists(st.integers(0, 15), min_size=1, max_size=70), min_size=1, max_size=4))
def test_nibbles_that_are_lent(blocks):
    scan = ContentScan()
    for block in blocks:
        words = scan.feed(np.array(block, dtype=np.uint8))
        assert words.dtype == np.uint64
        padded = block + [0] * (-len(block) % 16)
        expected = [low + 16 * high for low, high in zip(padded[::2], padded[1::2], strict=True)]
        assert words.view(np.uint8).tolist() == expected
