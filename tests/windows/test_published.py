from types import SimpleNamespace

import pytest

from genomenet.errors import UserError
from genomenet.genome.intervals import Interval, total_bp
from genomenet.windows.published import check_human_sequences, is_human_sequences
from genomenet.windows.splits import split_by_bed
from tests.genome.files import write, write_gzip
from tests.windows.published_twin import INTERVAL_BP, bed_text, published_twin

ROWS, CONTIGS = published_twin()
GENOME = SimpleNamespace(contigs=CONTIGS)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("human-sequences.bed", True),
        ("sequences_human.bed", True),
        ("a/human-sequences.bed.gz", True),
        ("my-human-sequences.bed", False),
        ("human-sequences.bed.bak", False),
    ],
)
def test_names(name, known):
    assert is_human_sequences(name) == known


def test_the_published_structure_passes_and_splits(tmp_path):
    path = write_gzip(tmp_path / "human-sequences.bed.gz", bed_text(ROWS))
    splits = split_by_bed(GENOME, path)
    parts = [splits.train, splits.valid, splits.test]
    assert sum(map(total_bp, parts)) == 2_727_870_737
    assert splits.listed_bp == {
        "train": 34_021 * INTERVAL_BP,
        "valid": 2_213 * INTERVAL_BP,
        "test": 1_937 * INTERVAL_BP,
    }


def without(row: int) -> list:
    return ROWS[:row] + ROWS[row + 1 :]


FIRST, LAST = ROWS[0], ROWS[-1]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (without(0), ["34,020 train intervals instead of 34,021"]),
        (
            [*ROWS[:-1], (*LAST[:3], "valid")],
            ["2,214 valid intervals instead of 2,213", "1,936 test intervals instead of 1,937"],
        ),
        (
            [*ROWS[:-1], (*LAST[:3], "val")],
            ["1,936 test intervals", "1 intervals labelled 'val' instead of 0"],
        ),
        (
            [(FIRST[0], FIRST[1], FIRST[2] - 1, FIRST[3]), *ROWS[1:]],
            ["1 intervals of another length than 131,072 bp instead of 0"],
        ),
        (
            [("chrY", *FIRST[1:]), *ROWS[1:]],
            ["24 chromosomes instead of 23", "417 merged regions instead of 416"],
        ),
        ([row for row in ROWS if row[0] != "made7"], ["22 chromosomes", "bases covered"]),
    ],
)
def test_every_difference_is_named(tmp_path, rows, said):
    path = write(tmp_path / "human-sequences.bed", bed_text(rows))
    with pytest.raises(UserError) as caught:
        check_human_sequences(path)
    for words in said:
        assert words in str(caught.value)


def test_only_what_differs_is_named(tmp_path):
    path = write(tmp_path / "sequences_human.bed", bed_text([*ROWS[:-1], (*LAST[:3], "valid")]))
    with pytest.raises(UserError, match="or give intervals of your own another name") as caught:
        split_by_bed(GENOME, path)
    for same in ("train", "chromosomes", "regions", "covered", "another length"):
        assert same not in str(caught.value)


def test_a_moved_interval_changes_the_bases_covered(tmp_path):
    # The leftmost of all on its chromosome: one base further left, one more is covered.
    moved = min(range(len(ROWS)), key=lambda row: (ROWS[row][0], ROWS[row][1]))
    contig, start, end, split = ROWS[moved]
    rows = [*ROWS[:moved], (contig, start - 1, end - 1, split), *ROWS[moved + 1 :]]
    path = write(tmp_path / "human-sequences.bed", bed_text(rows))
    with pytest.raises(UserError, match="holds 2,727,870,738 bases covered instead of 2,727,870,"):
        check_human_sequences(path)


def test_other_names_may_hold_anything(tmp_path):
    path = write(tmp_path / "mine.bed", "made1\t0\t10\ttrain\n")
    assert split_by_bed(GENOME, path).train == (Interval("made1", 0, 10),)
