"""Task suites as they are published become one table a task."""

import csv
import io
import zipfile

import pyarrow
import pyarrow.parquet
import pytest

from genomenet.errors import UserError
from genomenet.recipes import parquet
from genomenet.recipes.steps import run_step
from tests.recipes.kitchens import kitchen, put, unpack


def rows(path) -> list[tuple[str, ...]]:
    table = [tuple(row) for row in csv.reader(io.StringIO(unpack(path)))]
    assert table[0] == ("split", "label", "sequence")
    return table[1:]


def write_parquet(path, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


def test_csv_and_fasta_are_gathered_by_task(tmp_path):
    folder = tmp_path / "tiny" / "published"
    put(folder / "mouse_0" / "train.csv", "sequence,label\nACGT,1\nacgn,0\n")
    put(folder / "mouse_0" / "dev.csv", "sequence,label\nAAAA,0\n")
    put(folder / "covid" / "test.fna.gz", ">one|2\nAC\nGT\n>two|x|7\nTTTT\n")
    files = ("published/mouse_0/train.csv", "published/mouse_0/dev.csv")
    files += ("published/covid/test.fna.gz",)
    said: list[str] = []
    made = run_step("tables", kitchen(tmp_path, *files, said=said), {"files": "published/*/*"})
    assert [path.name for path in made] == ["mouse_0.csv.gz", "covid.csv.gz"]
    assert rows(made[0]) == [
        ("train", "1", "ACGT"),
        ("train", "0", "ACGN"),
        ("valid", "0", "AAAA"),
    ]
    assert rows(made[1]) == [("test", "2", "ACGT"), ("test", "7", "TTTT")]
    assert said[0].endswith("mouse_0.csv.gz: 2 train, 1 valid")


def test_parquet_is_gathered_too(tmp_path):
    path = tmp_path / "tiny" / "H3K4me1" / "test.parquet"
    write_parquet(path, sequence=["ACGT", "ttga"], name=["a", "b"], label=[0, 1])
    (made,) = run_step(
        "tables", kitchen(tmp_path, "H3K4me1/test.parquet"), {"files": "*/*.parquet"}
    )
    assert rows(made) == [("test", "0", "ACGT"), ("test", "1", "TTGA")]


def test_zip_files_of_single_sequences(tmp_path):
    path = tmp_path / "tiny" / "worms_v0.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("worms/", "")
        archive.writestr("worms/train/human/0.txt", "ACGT")
        archive.writestr("worms/train/worm/0.txt", "GGGG")
        archive.writestr("worms/test/worm/1.txt", "TTTT\n")
    (made,) = run_step("sequences", kitchen(tmp_path, "worms_v0.zip"), {"files": "*.zip"})
    assert made.name == "worms.csv.gz"
    assert rows(made) == [
        ("test", "worm", "TTTT"),
        ("train", "human", "ACGT"),
        ("train", "worm", "GGGG"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t/train.csv", "seq,label\nA,1\n", r"has no column 'sequence', only seq, label"),
        ("t/train.csv", "sequence,label\nACGE,1\n", "row 1: the letter 'E' is no nucleotide"),
        ("t/train.csv", "sequence,label\nA,1\nA,\n", "row 2: a label and a sequence are needed"),
        ("t/train.fna", ">one\nACGT\n", "line 1: the header should be NAME|LABEL"),
        ("t/part1.csv", "sequence,label\nA,1\n", "is called TASK/SPLIT.csv"),
        ("t/test.parquet", "no parquet", "is no readable parquet file"),
    ],
)
def test_mistakes_name_file_and_row(tmp_path, name, text, message):
    put(tmp_path / "tiny" / name, text)
    with pytest.raises(UserError, match=message):
        run_step("tables", kitchen(tmp_path, name), {"files": "*/*"})
    assert not (tmp_path / "tiny" / "tasks" / "t.csv.gz").exists()


def test_damaged_and_foreign_zip_files(tmp_path):
    path = tmp_path / "tiny" / "a.zip"
    put(path, "no zip")
    with pytest.raises(UserError, match="damaged zip file"):
        run_step("sequences", kitchen(tmp_path, "a.zip"), {"files": "*.zip"})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "ACGT")
    with pytest.raises(UserError, match="should hold one task"):
        run_step("sequences", kitchen(tmp_path, "a.zip"), {"files": "*.zip"})


@pytest.mark.parametrize("name", ["/train/0/1.txt", "../train/0/1.txt", "a//0/1.txt"])
def test_zip_files_that_would_land_elsewhere(tmp_path, name):
    path = tmp_path / "tiny" / "a.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "ACGT")
    with pytest.raises(UserError, match="should hold one task"):
        run_step("sequences", kitchen(tmp_path, "a.zip"), {"files": "*.zip"})
    assert [path.name for path in path.parent.iterdir()] == ["a.zip"]


def test_a_zip_file_that_unpacks_to_too_much(tmp_path):
    path = tmp_path / "tiny" / "a.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("worms/train/worm/0.txt", "A" * ((1 << 24) + 1))
    with pytest.raises(UserError, match="16,777,217 bytes, more than a sequence of a task"):
        run_step("sequences", kitchen(tmp_path, "a.zip"), {"files": "*.zip"})


def test_damage_within_a_zip_file(tmp_path):
    path = tmp_path / "tiny" / "a.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("worms/train/worm/0.txt", "ACGT" * 500)
    data = bytearray(path.read_bytes())
    begin = data.index(b"0.txt") + len("0.txt")
    data[begin : begin + 4] = b"\xff" * 4
    path.write_bytes(data)
    with pytest.raises(UserError, match="damaged zip file"):
        run_step("sequences", kitchen(tmp_path, "a.zip"), {"files": "*.zip"})


def test_without_pyarrow_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(UserError, match=r'pip install "genomenet\[tasks\]"'):
        parquet.require_parquet("nt-tasks-revised")


def test_a_pattern_without_files_is_told(tmp_path):
    with pytest.raises(UserError, match="no fetched file is called so"):
        run_step("tables", kitchen(tmp_path, "a/train.csv"), {"files": "b/*.csv"})
