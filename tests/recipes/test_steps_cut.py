"""Task intervals are cut from a genome as a slow, obvious cutter cuts them."""

import csv
import io
import random

import pytest

from genomenet.errors import UserError
from genomenet.recipes.steps import run_step
from tests.recipes.kitchens import kitchen, make_genome, put, unpack

PAIR = dict(zip("ACGTN", "TGCAN", strict=True))
HEADER = "id,region,start,end,strand\n"


@pytest.fixture
def contigs(tmp_path):
    draw = random.Random(3)
    made = {name: "".join(draw.choices("ACGTacgtN", k=500)) for name in ("chr1", "chrX")}
    make_genome(tmp_path, made)
    return made


def cut(tmp_path, *files):
    options = {"files": "intervals/*/*/*.csv.gz", "genome": "hg38"}
    return run_step("cut", kitchen(tmp_path, *files), options)


def test_as_the_oracle_on_both_strands(tmp_path, contigs):
    draw = random.Random(4)
    wanted, files = [], []
    for split in ("train", "test"):
        for label in ("negative", "positive"):
            lines = []
            for number in range(20):
                contig = draw.choice(list(contigs))
                start, length = draw.randrange(400), draw.randrange(1, 100)
                strand = draw.choice("+-")
                letters = contigs[contig][start : start + length].upper()
                if strand == "-":
                    letters = "".join(PAIR[letter] for letter in reversed(letters))
                # The published tables write chromosomes with chr, but not all genomes do.
                region = contig if number % 2 else contig.removeprefix("chr")
                lines.append(f"{number},{region},{start},{start + length},{strand}\n")
                wanted.append(
                    [split, label, letters, contig, str(start), str(start + length), strand]
                )
            name = f"intervals/task/{split}/{label}.csv.gz"
            put(tmp_path / "tiny" / name, HEADER + "".join(lines))
            files.append(name)
    (made,) = cut(tmp_path, *files)
    assert made == tmp_path / "tiny" / "tasks" / "task.csv.gz"
    rows = list(csv.reader(io.StringIO(unpack(made))))
    assert rows[0] == ["split", "label", "sequence", "contig", "start", "end", "strand", "id"]
    assert [row[:7] for row in rows[1:]] == wanted


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0,chr9,1,2,+", r"row 2: .*chr9"),
        ("0,chr1,490,510,+", "row 2: "),
        ("0,chr1,a,9,+", "row 2: "),
        ("0,chr1,1,9,.", "row 2: the strand is '.'"),
    ],
)
def test_rows_that_do_not_fit_are_named(tmp_path, contigs, row, message):
    name = "intervals/task/train/positive.csv.gz"
    put(tmp_path / "tiny" / name, f"{HEADER}0,chr1,0,9,+\n{row}\n")
    with pytest.raises(UserError, match=message):
        cut(tmp_path, name)
    assert not list((tmp_path / "tiny").glob("tasks/*"))


def test_other_columns_and_no_genome_are_told(tmp_path):
    name = "intervals/task/train/positive.csv.gz"
    put(tmp_path / "tiny" / name, "id,chrom,start,end\n")
    with pytest.raises(UserError, match=r"run `genomenet data fetch hg38 --out .*` first"):
        cut(tmp_path, name)
    make_genome(tmp_path, {"chr1": "ACGT"})
    with pytest.raises(UserError, match="has no column 'region'"):
        cut(tmp_path, name)
