import gzip
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomenet.errors import UserError
from genomenet.genome.intervals import (
    Interval,
    bed_lines,
    merge,
    overlap_bp,
    overlaps_bp,
    subtract,
    total_bp,
)
from tests.genome.files import write

INTERVAL = st.builds(
    lambda contig, start, length: Interval(contig, start, start + length),
    st.sampled_from("ab"),
    st.integers(0, 30),
    st.integers(0, 12),
)
INTERVALS = st.lists(INTERVAL, max_size=8)


def bases(intervals) -> set[tuple[str, int]]:
    return {(i.contig, p) for i in intervals for p in range(i.start, i.end)}


@given(INTERVALS)
def test_merge(intervals):
    merged = merge(intervals)
    assert bases(merged) == bases(intervals)
    assert merged == sorted(merged)
    assert all(i.length_bp > 0 for i in merged)
    for left, right in pairwise(merged):
        assert left.contig != right.contig or left.end < right.start


@given(INTERVALS, INTERVALS)
def test_subtract(intervals, holes):
    left = subtract(intervals, holes)
    assert bases(left) == bases(intervals) - bases(holes)
    assert left == merge(left)


@given(INTERVALS, INTERVALS)
def test_overlap(first, second):
    assert overlap_bp(first, second) == len(bases(first) & bases(second))
    each = [len(bases([i]) & bases(second)) for i in first]
    assert overlaps_bp(first, second).tolist() == each
    assert total_bp(first) == len(bases(first))


def test_an_interval_reads_well():
    assert str(Interval("chr20", 1000, 2024)) == "chr20:1,000-2,024"


@pytest.mark.parametrize("compressed", [False, True])
def test_bed_lines(tmp_path, compressed):
    text = "#c\ntrack name=x\nbrowser y\n\nchr1\t0\t5\r\nchr2\t3\t4\tvalid\t7\nchr3 1 2 test\n"
    data = text.encode()
    path = write(tmp_path / "x.bed", gzip.compress(data) if compressed else data)
    assert list(bed_lines(path)) == [
        (5, Interval("chr1", 0, 5), None, "."),
        (6, Interval("chr2", 3, 4), "valid", "."),
        (7, Interval("chr3", 1, 2), "test", "."),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("chr1\t5", "at least the three columns"),
        ("chr1\tx\t5", "must be whole numbers of bases, not 'x' and '5'"),
        ("chr1\t5\t5", "start 5 must be below end 5"),
        ("chr1\t9\t5", "start 9 must be below end 5"),
        ("chr1\t-1\t5", "start -1 is negative"),
    ],
)
def test_bad_lines(tmp_path, line, said):
    path = write(tmp_path / "x.bed", f"# head\nchr1\t0\t9\n{line}\n")
    with pytest.raises(UserError) as caught:
        list(bed_lines(path))
    assert str(caught.value).startswith(f"{path}: line 3: ")
    assert said in str(caught.value)


def test_not_text(tmp_path):
    with pytest.raises(UserError, match="not text"):
        list(bed_lines(write(tmp_path / "x.bed", b"chr1\0\n")))
    with pytest.raises(UserError, match="not a text file"):
        list(bed_lines(write(tmp_path / "y.bed", b"chr1\xff\xfe\n")))
    with pytest.raises(UserError, match="does not exist"):
        list(bed_lines(tmp_path / "z.bed"))
    data = gzip.compress(b"chr1\t0\t5\n" * 100)
    with pytest.raises(UserError, match="breaks off"):
        list(bed_lines(write(tmp_path / "cut.bed.gz", data[:-9])))
