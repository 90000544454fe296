import sys

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.genome.intervals import Interval
from genomenet.windows import similarity as module
from genomenet.windows.similarity import Similarity, similarity
from genomenet.windows.splits import Splits

pytestmark = pytest.mark.similarity

RNG = np.random.default_rng(11)
LETTERS = np.array(list("ACGT"))
COMPLEMENT = str.maketrans("ACGTacgt", "TGCAtgca")
# Of the 40 held-out windows, the first of each ten copies training sequence with so many changes.
CHANGES = [0.0, 0.03, 0.07, 0.15, 0.3]
WINDOW = 1000


def random_letters(length: int) -> str:
    return "".join(RNG.choice(LETTERS, length))


def mutated(letters: str, rate: float) -> str:
    codes = np.array(["ACGT".index(letter) for letter in letters])
    places = RNG.permutation(codes.size)[: round(rate * codes.size)]
    codes[places] = (codes[places] + RNG.integers(1, 4, places.size)) % 4
    return "".join(LETTERS[codes])


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A genome with copies of training sequence in held-out windows, and its splits.

    Of 20 test windows, 5 are copies with more and more changes, 2 hold 600 and 400 copied bases,
    and the others are unrelated. Every second copy is of the other strand.
    """
    from genomenet.genome.importer import import_genome

    train = random_letters(120_000)
    windows = []
    for number, rate in enumerate(CHANGES):
        copy = mutated(train[number * 9_000 + 77 :][:WINDOW], rate)
        windows.append(copy.translate(COMPLEMENT)[::-1] if number % 2 else copy)
    windows[1] = windows[1].lower()
    for copied in (600, 400):
        windows.append(train[70_000 : 70_000 + copied] + random_letters(WINDOW - copied))
    windows += [random_letters(WINDOW) for _ in range(12)]
    windows.append("N" * 600 + train[90_000:90_400])
    fasta = tmp_path_factory.mktemp("planted") / "planted.fa"
    fasta.write_text(f">a\n{train}\n>b\n{''.join(windows)}\n>c\n{random_letters(5_000)}\n")
    genome = import_genome([fasta], fasta.with_name("genome"))
    splits = Splits(
        train=(Interval("a", 0, 50_000), Interval("a", 60_000, 120_000)),
        valid=(Interval("c", 0, 5_000),),
        test=(Interval("b", 0, 20_000),),
    )
    return genome, splits


def by_name(rows: list[Similarity]) -> dict[tuple[str, str], Similarity]:
    return {(row.split, row.windows): row for row in rows}


@pytest.mark.parametrize("part_bp", [module._PART_BP, 7_000])
def test_copies_are_found_at_their_identity(planted, part_bp, monkeypatch):
    monkeypatch.setattr(module, "_PART_BP", part_bp)
    genome, splits = planted
    searched = []
    rows = by_name(similarity(splits, genome, WINDOW, limit=100, progress=searched.append))
    found = rows["test", "all"]
    # The window that is mostly N is left out, and so is what has 30 % of changes or too few bases.
    assert (found.count, found.total_bp) == (19, 19_000)
    for share, copied_bp in zip(found.shares, (4_600, 3_600, 2_600), strict=True):
        assert share * 19_000 == pytest.approx(copied_bp, rel=0.02)
    poor = rows["test", "repeat-poor"]
    assert poor.count == 18
    assert poor.aligned_bp[2] == pytest.approx(1_600, rel=0.02)
    assert rows["valid", "all"].shares == (0, 0, 0)
    for split in ("valid", "test"):
        assert rows[split, "reversed"].shares == (0, 0, 0)
        assert rows[split, "reversed"].count == rows[split, "all"].count
    assert sum(searched) >= 110_000
    assert (len(searched) == 1) == (part_bp > 110_000)


def test_parts_leave_no_place_out(monkeypatch):
    monkeypatch.setattr(module, "_PART_BP", 100)
    intervals = [Interval("a", 5, 40), Interval("a", 50, 400), Interval("b", 0, 95)]
    seen = {}
    for part in module._parts(intervals, overlap_bp=10):
        assert 0 < sum(piece.length_bp for piece in part) <= 100
        for piece in part:
            for start in range(piece.start, piece.end - 9):
                seen[piece.contig, start] = True
    every = {(i.contig, start) for i in intervals for start in range(i.start, i.end - 9)}
    assert set(seen) == every


def test_limit_and_empty_splits(planted):
    genome, splits = planted
    rows = similarity(Splits(splits.train, (), splits.test), genome, WINDOW, limit=4)
    assert {(row.split, row.count) for row in rows if row.windows == "all"} == {("test", 4)}
    assert Similarity("test", "all", 0, 0, (0, 0, 0)).shares == (0, 0, 0)


def test_errors(planted, monkeypatch):
    genome, splits = planted
    with pytest.raises(UserError, match="the train split is empty"):
        similarity(Splits((), splits.valid, splits.test), genome)
    with pytest.raises(UserError, match="at least one of at least 100 bp"):
        similarity(splits, genome, window_bp=99)
    with pytest.raises(UserError, match="at least one of at least 100 bp"):
        similarity(splits, genome, limit=0)
    for held_out in ((), (Interval("b", 19_000, 20_000),)):
        with pytest.raises(UserError, match="no held-out window of 1,000 bp has bases in half"):
            similarity(Splits(splits.train, (), held_out), genome)
    monkeypatch.setitem(sys.modules, "mappy", None)
    with pytest.raises(UserError, match=r'get it with pip install "genomenet\[similarity\]"'):
        similarity(splits, genome)


def test_text_has_no_strands(tmp_path):
    from genomenet.genome.text import TextCorpus

    (tmp_path / "a.txt").write_text("text " * 100)
    part = (Interval("a.txt", 0, 200),)
    with pytest.raises(UserError, match="is for DNA"):
        similarity(Splits(part, part, part), TextCorpus(tmp_path))
