"""Published annotation tables become BED, coordinates and strands included."""

import gzip

import pytest

from genomenet.errors import UserError
from genomenet.genome.intervals import bed_lines
from genomenet.recipes.steps import run_step
from tests.recipes.kitchens import kitchen, put, unpack

# Rows in the published columns, shortened to made-up places.
RMSK = (
    "585\t463\t13\t6\t17\tchr1\t10000\t10468\t-248945954\t+\t(TAACCC)n\tSimple_repeat\t"
    "Simple_repeat\t1\t471\t0\t1\n"
    "585\t3612\t114\t215\t13\tchr1\t10468\t11447\t-1\tC\tTAR1\tSatellite\ttelo\t-399\t1712\t483\t2\n"
).replace("\tC\t", "\t-\t")
RMSK_OUT = """   SW   perc perc perc  query     position in query              matching  repeat
score   div. del. ins.  sequence  begin end          (left)   repeat    class/family

  463   1.3  0.6  1.7  chr1      10001   10468 (248945954) +  (TAACCC)n Simple_repeat   1 471 (0) 1
 3612  11.4 21.5  1.3  chr1      10469   11447 (248944975) C  TAR1  Satellite/telo (399) 1712 483 2
"""
CPG = "585\tchr1\t28735\t29737\tCpG: 111\t1002\t111\t731\t22.2\t73\t0.85\n"
CCRE = "chr1\t10033\t10250\tEH38D4327497\tEH38E2776516\tpELS\n"
REPEATS = (
    "chr1\t10000\t10468\tSimple_repeat/Simple_repeat/(TAACCC)n\t0\t+\n"
    "chr1\t10468\t11447\tSatellite/telo/TAR1\t0\t-\n"
)


@pytest.mark.parametrize(
    ("columns", "text", "bed"),
    [
        ("rmsk", RMSK, REPEATS),
        ("rmsk_out", RMSK_OUT, REPEATS),
        ("cpgIslandExt", CPG, "chr1\t28735\t29737\tCpG_111\t0\t.\n"),
        ("ccre", CCRE, "chr1\t10033\t10250\tpELS\t0\t.\n"),
    ],
)
@pytest.mark.parametrize("suffix", ["txt.gz", "txt"])
def test_tables_become_bed(tmp_path, columns, text, bed, suffix):
    name = f"table.{suffix}"
    put(tmp_path / "tiny" / name, text)
    options = {"table": name, "columns": columns, "into": "out.bed.gz"}
    (made,) = run_step("bed", kitchen(tmp_path, name), options)
    assert unpack(made) == bed
    assert [line[1].start for line in bed_lines(made)] == [
        int(line.split("\t")[1]) for line in bed.splitlines()
    ]
    first = made.read_bytes()
    run_step("bed", kitchen(tmp_path, name), options)
    assert made.read_bytes() == first


@pytest.mark.parametrize(
    ("columns", "text", "message"),
    [
        ("rmsk", CPG, "line 1: this is no row of a rmsk table"),
        ("ccre", CCRE + "chr1\t5\t4\ta\tb\tpELS\n", "line 2: this is no row"),
        ("cpgIslandExt", "", "has no rows"),
        ("rmask", RMSK, "no table layout 'rmask'"),
    ],
)
def test_other_tables_are_refused_and_leave_nothing(tmp_path, columns, text, message):
    put(tmp_path / "tiny" / "t.txt", text)
    options = {"table": "t.txt", "columns": columns, "into": "out.bed.gz"}
    with pytest.raises(UserError, match=message):
        run_step("bed", kitchen(tmp_path, "t.txt"), options)
    assert [path.name for path in (tmp_path / "tiny").iterdir()] == ["t.txt"]


def test_a_file_cut_short_is_told(tmp_path):
    put(tmp_path / "tiny" / "t.txt.gz", RMSK * 100)
    path = tmp_path / "tiny" / "t.txt.gz"
    path.write_bytes(gzip.compress((RMSK * 100).encode())[:60])
    options = {"table": "t.txt.gz", "columns": "rmsk", "into": "out.bed.gz"}
    with pytest.raises(UserError, match="breaks off"):
        run_step("bed", kitchen(tmp_path, "t.txt.gz"), options)
