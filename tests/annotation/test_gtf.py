import pytest

from genomenet.annotation.feature import Feature
from genomenet.errors import UserError
from genomenet.genome.intervals import Interval
from tests.annotation.annotated import read_annotation
from tests.genome.files import write

GENE = 'c\tx\tgene\t11\t20\t.\t-\t.\tgene_id "ENSG1"; gene_name "A; B"; gene_type "lncRNA";\n'
EXON = 'c\tx\texon\t11\t11\t.\t+\t.\tgene_id "ENSG1"; transcript_id "T1"; gene_biotype "x";\n'
CDS = 'c\tx\tCDS\t12\t17\t.\t-\t2\tgene_id "ENSG1"; transcript_id "T1"; level 2; gene_name "B";\n'
KINDS = ("gene", "transcript", "exon", "CDS", "three_prime_UTR")


def read(tmp_path, text, kinds=KINDS):
    return read_annotation(write(tmp_path / "x.gtf", text), kinds)


def test_one_based_becomes_zero_based(tmp_path):
    gene = Feature(Interval("c", 10, 20), "gene", "-", None, "A; B", "lncRNA", "")
    exon = Feature(Interval("c", 10, 11), "exon", "+", None, "ENSG1", "x", "T1")
    # What rows of CDS leave out, the row of their gene has told.
    cds = Feature(Interval("c", 11, 17), "CDS", "-", 2, "B", "lncRNA", "T1")
    text = "#!genome\n" + GENE + "\n" + EXON + CDS
    assert read(tmp_path, text) == [gene, exon, cds]
    assert read(tmp_path, text, ["exon"]) == [exon]


@pytest.mark.parametrize(
    ("attributes", "name", "kind", "transcript"),
    [
        ("gene_name G; gene_type t; transcript_id T", "G", "t", "T"),
        ('gene_id G;transcript_id "T";gene_type "t"', "G", "t", "T"),
        # A key may be the end of another one, or stand in a value.
        ('old_gene_name "O"; gene_name "G"', "G", "", ""),
        ('note "gene_name X"; gene_id "G"; transcript_id ""', "G", "", ""),
        # NCBI
        ('gene_id "G"; transcript_id "NM_1.1"; gene "H"; note "a gene b"', "H", "", "NM_1.1"),
        ("", "", "", ""),
    ],
)
def test_attributes(tmp_path, attributes, name, kind, transcript):
    (row,) = read(tmp_path, f"c\tx\texon\t1\t2\t.\t+\t.\t{attributes}\n")
    assert (row.gene_name, row.gene_type, row.transcript) == (name, kind, transcript)


def test_kinds_have_common_names(tmp_path):
    raw = ["gene", "mRNA", "transcript", "three_prime_utr", "3UTR", "Selenocysteine"]
    text = "".join(f"c\tx\t{kind}\t1\t2\t.\t.\t.\tgene_id G\n" for kind in raw)
    common = ["gene", "transcript", "transcript", "three_prime_UTR", "three_prime_UTR"]
    assert [row.kind for row in read(tmp_path, text)] == common
    assert [row.kind for row in read(tmp_path, text, ["Selenocysteine"])] == ["Selenocysteine"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("c\tx\tgene\t1\t5\n", "but the line has 5"),
        (GENE.replace("11", "0"), "0 to 20 is no range"),
        (GENE.replace("11", "21"), "21 to 20 is no range"),
        (GENE.replace("11", "a"), "whole numbers of bases, not 'a' and '20'"),
        (GENE.replace("\t-\t", "\t*\t"), "the strand is '*'"),
        (CDS.replace("\t2\t", "\t3\t"), "the frame is '3'"),
    ],
)
def test_bad_lines(tmp_path, line, said):
    with pytest.raises(UserError) as caught:
        read(tmp_path, GENE + line)
    assert str(caught.value).startswith(f"{tmp_path / 'x.gtf'}: line 2: ")
    assert said in str(caught.value)
    if "columns" not in str(caught.value):
        assert read(tmp_path, EXON + line, ["exon"])  # other kinds are not looked at
