"""Tasks as recipes and users write them, and the mistakes in them."""

import gzip

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.genome.alphabet import decode
from genomenet.genome.intervals import Interval
from genomenet.probes.read_task import read_task


def written(tmp_path, name, text):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def test_a_table_of_a_recipe(tmp_path):
    text = "split,label,sequence,contig,start,end,strand,id\n"
    text += "train,b,ACGT,chr1,3,7,+,x\ntrain,a,AAAA,chr1,8,12,-,y\ntest,a,ccgg,,,,,\n"
    text += "valid,a,ACGT,chr1,3,7,+,x\n"
    task = read_task(written(tmp_path, "enhancers.csv.gz", text))
    assert (task.name, task.classes, task.numeric) == ("enhancers", ("a", "b"), False)
    assert [decode(codes) for codes in task.sequences[:3]] == ["ACGT", "AAAA", "CCGG"]
    assert task.labels.tolist() == [1, 0, 0, 0]
    assert (task.train.tolist(), task.test.tolist()) == ([0, 1], [2])
    assert task.places[:3] == (Interval("chr1", 3, 7), Interval("chr1", 8, 12), None)
    assert "1 validation rows" in task.notes[0]


def test_other_names_of_places(tmp_path):
    text = "split,label,chrom_hg19,start0,end,sequence\ntrain,a,chrX,1,3,AC\ntrain,b,chrX,1,3,AC\n"
    task = read_task(written(tmp_path, "x.csv", text + "test,a,chrX,1,3,AC\n"))
    assert task.places[0] == Interval("chrX", 1, 3)


def test_without_split_a_fifth_of_each_class_is_for_testing(tmp_path):
    rows = "".join(f"{'ACGT'[i % 4] * 5},{'ab'[i % 2]}\n" for i in range(40))
    path = written(tmp_path, "x.csv", "sequence,label\n" + rows)
    task = read_task(path, seed=1)
    assert np.bincount(task.labels[task.test]).tolist() == [4, 4]
    assert not set(task.train) & set(task.test)
    assert "has no split" in task.notes[0]
    assert read_task(path, seed=1).test.tolist() == task.test.tolist()
    assert read_task(path, seed=2).test.tolist() != task.test.tolist()


def test_numbers_that_are_not_whole_are_no_classes(tmp_path):
    text = "split,sequence,label\ntrain,ACGT,0.5\ntrain,ACG,1\ntest,AC,2\n"
    task = read_task(written(tmp_path, "x.csv", text))
    assert task.numeric
    assert task.labels.tolist() == [0.5, 1, 2]
    assert read_task(written(tmp_path, "y.csv", text.replace("0.5", "0"))).classes == (
        "0", "1", "2",
    )  # fmt: skip


def test_fasta_with_labels_and_a_folder_of_classes(tmp_path):
    records = "".join(f">s{i} x|{'ab'[i % 2]}\nACGT\nAC\n" for i in range(20))
    task = read_task(written(tmp_path, "x.fa", records))
    assert task.classes == ("a", "b")
    assert decode(task.sequences[0]) == "ACGTAC"
    for name in ("up", "down"):
        written(tmp_path, f"mine/{name}.fa", records)
    task = read_task(tmp_path / "mine")
    assert (task.name, task.classes, len(task.sequences)) == ("mine", ("down", "up"), 40)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("x.csv", "sequence,lable\nACGT,a\n", "line 1: there is no column 'label'"),
        ("x.csv", "sequence,label\nACGT,a\nAC!T,b\n", "line 3: the letter '!'"),
        ("x.csv", "sequence,label\n,a\n", "line 2: the sequence is empty"),
        ("x.csv", "sequence,label\nAC\n", "line 2: the label is empty"),
        ("x.csv", "sequence,label,split\nAC,a,trian\n", "line 2: 'trian' is no split"),
        ("x.csv", "sequence,label,contig,start,end\nAC,a,c,x,3\n", "line 2: start and end"),
        ("x.csv", "sequence,label,contig,start,end\nAC,a,c,3,3\n", "3 to 3 is no range"),
        ("x.csv", "sequence,label\n", "holds no row"),
        ("x.csv", "sequence,label,split\nAC,a,train\nAC,b,train\n", "has no test row"),
        ("x.csv", "sequence,label,split\nAC,a,train\nAC,b,test\n", "a single class"),
        ("x.fa", ">s1\nACGT\n", "record 1: the header should be NAME|LABEL"),
        ("x.fa", ">s1|a\nAC!\n", "record 1: the letter '!'"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path, name, text, told):
    with pytest.raises(UserError) as error:
        read_task(written(tmp_path, name, text))
    assert told in str(error.value)
    assert name in str(error.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_task(tmp_path / "x.csv")


def test_limits_keep_the_splits(tmp_path):
    rows = "".join(f"{'train' if i < 30 else 'test'},ACGT,{'ab'[i % 2]}\n" for i in range(50))
    task = read_task(written(tmp_path, "x.csv", "split,sequence,label\n" + rows))
    some = task.limited(10, 5, 0)
    assert (len(some.train), len(some.test), len(some.sequences)) == (10, 5, 15)
    assert some.digest == task.limited(10, 5, 0).digest != task.limited(10, 5, 1).digest
    assert task.limited(0, 0, 0).digest == task.digest
