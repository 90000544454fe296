import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomenet.genome import fasta
from genomenet.genome.fasta import fasta_pieces


def records_of(text: bytes) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for name, letters in fasta_pieces(io.BytesIO(text), Path("x.fa")):
        if name is not None:
            found.append((name, b""))
        found[-1] = (found[-1][0], found[-1][1] + letters)
    return [(name, b"".join(letters.split())) for name, letters in found]


def slow_records(text: bytes) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for line in text.split(b"\n"):
        if line.startswith(b">"):
            found.append((line[1:].split()[0].decode(), b""))
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + b"".join(line.split()))
    return found


RECORD = st.tuples(
    st.text(alphabet="abc1.", min_size=1, max_size=6),
    st.lists(st.text(alphabet="ACGTacgtN", max_size=9), max_size=6),
)


@settings(max_examples=100)
@given(
    st.lists(RECORD, min_size=1, max_size=5),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.integers(1, 40),
)
def test_any_wrapping_and_block_size(records, end, last_end, block):
    lines = [part for name, rows in records for part in (f">{name} x>y", *rows)]
    text = (end.join(lines) + (end if last_end else "")).encode()
    patch = pytest.MonkeyPatch()
    # The limit on a header is the block size too; headers here are shorter than 16 bytes.
    patch.setattr(fasta, "BLOCK_BYTES", block + 15)
    try:
        assert records_of(text) == slow_records(text)
    finally:
        patch.undo()


@pytest.mark.parametrize("block", range(16, 60))
def test_header_split_over_blocks(block, monkeypatch):
    monkeypatch.setattr(fasta, "BLOCK_BYTES", block)
    text = b">one first\nACGT\nAC\n>two\nGG\n\n>three 3\nTTTT\nAAAA\n"
    assert records_of(text) == [("one", b"ACGTAC"), ("two", b"GG"), ("three", b"TTTTAAAA")]


@pytest.mark.parametrize("block", range(16, 40))
def test_a_mark_inside_a_line_begins_no_record(block, monkeypatch):
    monkeypatch.setattr(fasta, "BLOCK_BYTES", block)
    for lead in range(16):
        text = b">x\n" + b"A" * lead + b"CGT>y\nAC>\n"
        assert records_of(text) == [("x", b"A" * lead + b"CGT>yAC>")]
