import gzip

import pytest

from genomenet.errors import UserError
from genomenet.genome.gtf import Feature, read_gtf
from genomenet.genome.intervals import Interval

from .files import DEMO_GTF, write

GENE = (
    'c\tx\tgene\t11\t20\t.\t-\t.\tgene_id "ENSG1"; gene_name "A B"; gene_type "protein_coding";\n'
)
EXON = 'c\tx\texon\t11\t11\t.\t+\t.\tgene_id "ENSG1"; gene_biotype "lncRNA";\n'
CDS = "c\tx\tCDS\tnot read\t.\t.\t.\t0\t\n"


@pytest.mark.parametrize("compressed", [False, True])
def test_one_based_becomes_zero_based(tmp_path, compressed):
    data = ("##gtf\n" + GENE + CDS + "\n" + EXON).encode()
    path = write(tmp_path / "x.gtf", gzip.compress(data) if compressed else data)
    gene = Feature(Interval("c", 10, 20), "gene", "-", "A B", "protein_coding")
    exon = Feature(Interval("c", 10, 11), "exon", "+", "ENSG1", "lncRNA")
    assert read_gtf(path) == [gene, exon]
    assert read_gtf(path, features=["exon"]) == [exon]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("c\tx\tgene\t1\t5\n", "but the line has 5"),
        (GENE.replace("11", "0"), "0 to 20 is no range"),
        (GENE.replace("11", "21"), "21 to 20 is no range"),
        (GENE.replace("11", "a"), "whole numbers of bases, not 'a' and '20'"),
        (GENE.replace("\t-\t", "\t*\t"), "the strand is '*'"),
    ],
)
def test_bad_lines(tmp_path, line, said):
    path = write(tmp_path / "x.gtf", GENE + line)
    with pytest.raises(UserError) as caught:
        read_gtf(path)
    assert str(caught.value).startswith(f"{path}: line 2: ")
    assert said in str(caught.value)


def test_the_demo_annotation():
    genes = read_gtf(DEMO_GTF, features=["gene"])
    assert len(genes) == 147
    assert sum(gene.gene_type == "protein_coding" for gene in genes) == 84
    assert genes[0] == Feature(
        Interval("chr20_42M_46M", 17281, 17681), "gene", "-", "RP5-862K6.4", "pseudogene"
    )
    assert all(0 <= gene.interval.start < gene.interval.end <= 4_000_000 for gene in genes)
