import pytest

from genomenet.errors import UserError
from genomenet.genome.corpus_manifest import read_members
from tests.genome.files import write
from tests.genome.genomes import manifest


@pytest.fixture
def files(tmp_path):
    for name in ("a.fa", "b.fna.gz", "c.gbff"):
        write(tmp_path / name, "any")
    return tmp_path


def test_a_manifest(files):
    path = manifest(
        files / "list.tsv",
        "# a remark",
        "file name weight species",
        "a.fa one 2 E.coli",
        "",
        "b.fna.gz two  E.coli",
        "c.gbff three",
    )
    assert [(m.name, m.file, m.species, m.weight) for m in read_members([path])] == [
        ("one", files / "a.fa", "E.coli", 2.0),
        ("three", files / "c.gbff", None, None),
        ("two", files / "b.fna.gz", "E.coli", None),
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "list.tsv is empty"),
        (["name path", "x a.fa"], "line 1: the header has no column 'file'"),
        (["name file wieght", "x a.fa 2"], "column 'wieght' is unknown; did you mean 'weight'"),
        (["name file file", "x a.fa a.fa"], "column 'file' is twice"),
        (["name file", "x a.fa", "y"], "line 3: the genome 'y' has no file"),
        (["name file", "x a.fa y"], "line 2: there are 3 columns, but the header has 2"),
        (["name file", "x no.fa"], r"line 2: the file .*no\.fa does not exist"),
        (["name file", "x/y a.fa"], "line 2: 'x/y' can't be the name"),
        (["name file", " a.fa"], "line 2: '' can't be the name"),
        (
            ["name file", "x a.fa", "x b.fna.gz"],
            r"line 3: the name 'x' is already .*a\.fa .*line 2",
        ),
        (["name file species weight", "x a.fa s much"], "line 2: the weight is 'much'"),
        (["name file species weight", "x a.fa s -1"], "line 2: the weight is '-1'"),
        (["name file species weight", "x a.fa s nan"], "line 2: the weight is 'nan'"),
        (
            ["name file species weight", "x a.fa s 1", "y b.fna.gz s 2"],
            r"line 3: the weight of 's' is 2 here and 1 in .*line 2",
        ),
    ],
)
def test_mistakes_in_a_manifest(files, rows, said):
    with pytest.raises(UserError, match=said):
        read_members([manifest(files / "list.tsv", *rows)])


def test_a_folder_with_its_subfolders(files):
    (files / "deep").mkdir()
    for name in ("deep/GCF_1.1_x.fna", ".hidden.fa", "readme.txt", "deep/d.FASTA"):
        write(files / name, "any")
    assert [m.name for m in read_members([files])] == ["GCF_1.1_x", "a", "b", "c", "d"]


def test_patterns_and_files(files):
    wanted = [files / "*.f*a*", str(files / "c.gbff")]
    assert [m.name for m in read_members(wanted)] == ["a", "b", "c"]


def test_two_files_of_one_name(files):
    write(files / "a.fasta", "any")
    with pytest.raises(UserError, match=r"a\.fasta: the name 'a' is already that of .*a\.fa"):
        read_members([files])


def test_nothing_there(files, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no sequence file"):
        read_members([tmp_path / "empty"])
    with pytest.raises(UserError, match=r"none\*\.fa does not exist"):
        read_members([tmp_path / "none*.fa"])
    with pytest.raises(UserError, match="no genome was named"):
        read_members([])
    write(tmp_path / "odd.dat", "any")
    with pytest.raises(UserError, match="is no sequence file by its suffix"):
        read_members([tmp_path / "od*.dat"])
