"""Published variants become tables whose reference bases were looked up in the genome."""

import pyarrow
import pyarrow.parquet
import pytest

from genomenet.errors import UserError
from genomenet.recipes.steps import run_step
from tests.recipes.kitchens import kitchen, make_genome, unpack

BASES = "ACGTTGCAAC" * 30


def variants(tmp_path, rows):
    make_genome(tmp_path, {"chr1": BASES, "chr2": BASES})
    path = tmp_path / "tiny" / "published" / "mendelian" / "test.parquet"
    path.parent.mkdir(parents=True)
    columns = ("chrom", "pos", "ref", "alt", "label")
    table = dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
    pyarrow.parquet.write_table(pyarrow.table(table), path)
    options = {"files": "published/*/*.parquet", "genome": "hg38"}
    return run_step("variants", kitchen(tmp_path, "published/mendelian/test.parquet"), options)


def test_positions_are_converted_and_names_harmonised(tmp_path):
    (made,) = variants(tmp_path, [("1", 1, "A", "G", True), ("2", 3, "GT", "G", False)])
    assert unpack(made).splitlines() == [
        "split,label,contig,start,ref,alt",
        "test,1,chr1,0,A,G",
        "test,0,chr2,2,GT,G",
    ]


def test_another_assembly_is_told(tmp_path):
    with pytest.raises(UserError, match="1 of 2 reference bases are not those of"):
        variants(tmp_path, [("1", 1, "A", "G", True), ("1", 2, "A", "G", True)])
    assert not list((tmp_path / "tiny" / "variants").glob("*"))


@pytest.mark.parametrize("row", [("7", 1, "A", "G", True), ("1", 301, "A", "G", True)])
def test_places_outside_the_genome_are_named(tmp_path, row):
    with pytest.raises(UserError, match=r"test\.parquet: row 2: "):
        variants(tmp_path, [("1", 1, "A", "G", True), row])
