"""Sequences in memory: what is read of a file, and what is written."""

import gzip
import io

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.genome.alphabet import decode, encode
from genomenet.genome.sequences import read_sequences, text_record, write_sequence, write_text


def test_records_keep_their_codes_and_soft_mask(tmp_path):
    path = tmp_path / "a.fa.gz"
    path.write_bytes(gzip.compress(b">one first\nACgt\nNRy\n>two\nuU\n"))
    one, two = read_sequences(path)
    assert (one.name, decode(one.codes)) == ("one", "ACGTNNN")
    assert one.masked.tolist() == [False, False, True, True, False, False, True]
    assert (two.name, decode(two.codes)) == ("two", "TT")
    assert two.masked.tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (">a\nACGT\n>b\n>c\nA\n", "line 3: 'b' has no bases"),
        (">a\nACGT\nPQL\n", "line 3"),
        ("ACGT\n", "begins with a '>'"),
        ("", "is empty"),
    ],
)
def test_mistakes_name_the_place(tmp_path, text, says):
    path = tmp_path / "a.fa"
    path.write_text(text)
    with pytest.raises(UserError, match=r"a\.fa") as error:
        read_sequences(path)
    assert says in str(error.value)


def test_fasta_is_wrapped_and_read_back(tmp_path):
    codes = np.random.default_rng(0).integers(5, size=161).astype(np.uint8)
    path = tmp_path / "out.fa"
    with path.open("wb") as handle:
        write_sequence(handle, "a_1", ["seed=0", "top_p=1"], codes)
        write_sequence(handle, "a_2", [], encode("ACGT"))
    lines = path.read_text().splitlines()
    assert lines[0] == ">a_1 seed=0 top_p=1"
    assert [len(line) for line in lines[1:4]] == [80, 80, 1]
    assert lines[4:] == [">a_2", "ACGT"]
    first, second = read_sequences(path)
    assert np.array_equal(first.codes, codes)
    assert second.name == "a_2"


def test_text_is_written_bare_or_below_its_name():
    record = text_record("a", "ß\n".encode())
    assert not record.masked.any()
    bare, named = io.BytesIO(), io.BytesIO()
    write_text(bare, "a", ["seed=0"], record.codes, alone=True)
    write_text(named, "a", ["seed=0"], record.codes, alone=False)
    assert bare.getvalue() == "ß\n".encode()
    assert named.getvalue() == "==> a seed=0 <==\nß\n\n".encode()
