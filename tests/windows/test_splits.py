import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomenet.errors import UserError
from genomenet.genome.genome import whole_contigs
from genomenet.genome.intervals import Interval, merge, overlap_bp, overlaps_bp, total_bp
from genomenet.genome.mock import MockGenome
from genomenet.windows.fractions import split_by_fraction
from genomenet.windows.splits import Splits, split_by_bed, split_by_chromosome
from tests.genome.files import write

GENOME = MockGenome(100_000)
ONE, TWO, THREE = whole_contigs(GENOME)


def test_by_chromosome():
    assert split_by_chromosome(GENOME, valid=["mock2"], test=["mock3"]) == Splits(
        (ONE,), (TWO,), (THREE,)
    )
    assert split_by_chromosome(GENOME, train=["mock3"], valid=["mock1"]) == Splits(
        (THREE,), (ONE,), ()
    )
    assert split_by_chromosome(GENOME).train == (ONE, TWO, THREE)


def test_by_chromosome_errors():
    with pytest.raises(UserError, match="no contig 'mok1'; did you mean 'mock1'"):
        split_by_chromosome(GENOME, valid=["mok1"])
    with pytest.raises(UserError, match="'mock1' is both in train and in test"):
        split_by_chromosome(GENOME, train=["mock1"], test=["mock1"])


def test_by_bed(tmp_path):
    rows = (
        "mock1\t500\t900\ttrain\nmock1\t0\t600\ttrain\nmock2\t0\t9\tvalid\nmock1\t900\t950\ttest\n"
    )
    assert split_by_bed(GENOME, write(tmp_path / "x.bed", rows)) == Splits(
        train=(Interval("mock1", 0, 900),),
        valid=(Interval("mock2", 0, 9),),
        test=(Interval("mock1", 900, 950),),
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("mock1\t0\t9\ttraining", "the fourth column is 'training', but it must be train, valid"),
        ("mock1\t0\t9\tvald", "did you mean 'valid'"),
        ("mock1\t0\t9", "the fourth column is missing"),
        ("mok2\t0\t9\ttest", "no contig 'mok2'; did you mean 'mock2'"),
        ("mock3\t0\t10001\ttest", "is not inside contig 'mock3', which runs from 0 to 10,000"),
        ("mock1\t99\t200\ttest", "mock1:99-200 (test) overlaps mock1:50-100 (train, line 1)"),
    ],
)
def test_by_bed_errors(tmp_path, line, said):
    path = write(tmp_path / "x.bed", f"mock1\t50\t100\ttrain\n{line}\n")
    with pytest.raises(UserError) as caught:
        split_by_bed(GENOME, path)
    assert str(caught.value).startswith(f"{path}: line 2: ")
    assert said in str(caught.value)


def test_contigs_under_another_name(tmp_path, make_store):
    genome = make_store({"chr1": "ACGT" * 10, "chr2": "CC", "chrM": "GT"})
    path = write(tmp_path / "x.bed", "1\t0\t30\ttrain\nMT\t0\t2\ttest\n")
    assert split_by_bed(genome, path) == Splits(
        (Interval("chr1", 0, 30),), (), (Interval("chrM", 0, 2),)
    )
    made = split_by_chromosome(genome, valid=["2"], test=["chrM"])
    assert made == split_by_chromosome(genome, ["1"], ["chr2"], ["MT"])
    assert made.valid == (Interval("chr2", 0, 2),)


def test_by_empty_bed(tmp_path):
    with pytest.raises(UserError, match="has no intervals"):
        split_by_bed(GENOME, write(tmp_path / "x.bed", "# nothing\n"))


ROW = st.tuples(
    st.sampled_from(["train", "valid", "test"]),
    st.sampled_from(["mock1", "mock2"]),
    st.integers(0, 60),
    st.integers(1, 15),
)


@settings(max_examples=100)
@given(st.lists(ROW, min_size=1, max_size=6))
def test_by_bed_finds_every_overlap(tmp_path_factory, rows):
    lines = [f"{c}\t{start}\t{start + length}\t{split}\n" for split, c, start, length in rows]
    path = write(tmp_path_factory.getbasetemp() / "rows.bed", "".join(lines))
    owners: dict[tuple[str, int], set[str]] = {}
    for split, contig, start, length in rows:
        for position in range(start, start + length):
            owners.setdefault((contig, position), set()).add(split)
    if any(len(splits) > 1 for splits in owners.values()):
        with pytest.raises(UserError, match="can be in one split only"):
            split_by_bed(GENOME, path)
        return
    made = split_by_bed(GENOME, path)
    for name in ("train", "valid", "test"):
        bases = {(i.contig, p) for i in getattr(made, name) for p in range(i.start, i.end)}
        assert bases == {base for base, splits in owners.items() if splits == {name}}


@pytest.mark.parametrize(("valid", "test"), [(0.1, 0.1), (0.05, 0.2), (0.3, 0.0), (0.0, 0.0)])
def test_by_fraction(valid, test):
    block_bp = 500
    for seed in range(5):
        made = split_by_fraction(GENOME, valid, test, block_bp, seed)
        parts = (made.train, made.valid, made.test)
        together = merge([i for part in parts for i in part])
        assert together == merge(whole_contigs(GENOME))
        assert sum(total_bp(part) for part in parts) == GENOME.length_bp
        called = [total_bp(part) - overlap_bp(part, GENOME.n_runs) for part in parts]
        for share, bases in zip((1 - valid - test, valid, test), called, strict=True):
            assert abs(bases - share * sum(called)) <= 2 * block_bp
        for piece in (*made.valid, *made.test):
            assert piece.start % block_bp == 0
        if valid:
            thirds = [Interval("mock1", i * 20_000, (i + 1) * 20_000) for i in range(3)]
            shares = overlaps_bp(thirds, made.valid) / 20_000
            assert np.abs(shares - valid).max() < 0.07, "not spread out"


def test_by_fraction_depends_on_the_seed_alone(make_store):
    forwards = make_store({"a": "ACGT" * 200, "b": "A" * 900, "c": "CC" * 333})
    backwards = make_store({"c": "CC" * 333, "b": "A" * 900, "a": "ACGT" * 200})
    made = split_by_fraction(forwards, 0.2, 0.1, 50, seed=1)
    assert split_by_fraction(backwards, 0.2, 0.1, 50, seed=1) == made
    assert split_by_fraction(forwards, 0.2, 0.1, 50, seed=2) != made


def test_by_fraction_errors():
    with pytest.raises(UserError, match="lower block_bp"):
        split_by_fraction(GENOME, 0.1, 0.1, 90_000, seed=0)
    for valid, test in [(-0.1, 0.1), (0.5, 0.5), (0.9, 0.2)]:
        with pytest.raises(UserError, match="must leave something for training"):
            split_by_fraction(GENOME, valid, test, 100, seed=0)
    with pytest.raises(UserError, match="block_bp is 0"):
        split_by_fraction(GENOME, 0.1, 0.1, 0, seed=0)


def test_require():
    splits = split_by_chromosome(GENOME, valid=["mock2"])
    assert splits.require("valid") == (TWO,)
    with pytest.raises(UserError, match="the test split is empty"):
        splits.require("test")
    with pytest.raises(UserError, match="no split 'val'; did you mean 'valid'"):
        splits.require("val")
