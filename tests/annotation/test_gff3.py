import random

import pytest

from genomenet.annotation.feature import Feature
from genomenet.errors import UserError
from genomenet.genome.intervals import Interval
from tests.annotation.annotated import read_annotation
from tests.genome.files import write

KINDS = ("gene", "transcript", "exon", "CDS", "five_prime_UTR")
ENSEMBL = """\
##gff-version 3
##sequence-region 1 1 1000
1\tx\tgene\t101\t900\t.\t-\t.\tID=gene:E1;Name=BRCA1;biotype=protein_coding;gene_id=E1
1\tx\tmRNA\t101\t900\t.\t-\t.\tID=transcript:T1;Parent=gene:E1;Name=BRCA1-201;transcript_id=T1
1\tx\tmRNA\t101\t500\t.\t-\t.\tID=transcript:T2;Parent=gene:E1;Name=BRCA1-202;transcript_id=T2
1\tx\texon\t101\t300\t.\t-\t.\tParent=transcript:T1,transcript:T2;Name=exon1
1\tx\tCDS\t201\t300\t.\t-\t1\tID=CDS:P1;Parent=transcript:T1;protein_id=P1
1\tx\tfive_prime_UTR\t301\t900\t.\t-\t.\tParent=transcript:T1
###
"""


def row(kind, start, end, frame, transcript, strand="-"):
    interval = Interval("1", start, end)
    return Feature(interval, kind, strand, frame, "BRCA1", "protein_coding", transcript)


EXPECTED = [
    row("gene", 100, 900, None, ""),
    row("transcript", 100, 900, None, "T1"),
    row("transcript", 100, 500, None, "T2"),
    row("exon", 100, 300, None, "T1"),
    row("exon", 100, 300, None, "T2"),
    row("CDS", 200, 300, 1, "T1"),
    row("five_prime_UTR", 300, 900, None, "T1"),
]


def read(tmp_path, text, kinds=KINDS):
    return read_annotation(write(tmp_path / "x.gff3", text), kinds)


def test_genes_are_found_through_parents(tmp_path):
    assert read(tmp_path, ENSEMBL) == EXPECTED
    # Kinds that are left out still lead to the gene.
    assert read(tmp_path, ENSEMBL, ["CDS"]) == EXPECTED[5:6]
    assert read(tmp_path, ENSEMBL + "##FASTA\n>1\nACGT\n") == EXPECTED
    assert read(tmp_path, ENSEMBL + ">1\nACGT\n") == EXPECTED


@pytest.mark.parametrize("seed", range(5))
def test_parents_may_come_later(tmp_path, seed):
    lines = ENSEMBL.splitlines()[2:-1]
    random.Random(seed).shuffle(lines)
    assert sorted(read(tmp_path, "\n".join(lines))) == sorted(EXPECTED)


def test_bacteria(tmp_path):
    # NCBI: coding sequences right below the gene, one gene with two of them, one a pseudogene.
    text = (
        "NC_1.1\tR\tgene\t1\t90\t.\t+\t.\tID=gene-b1;Name=dnaX;gene=dnaX;"
        "gene_biotype=protein_coding\n"
        "NC_1.1\tR\tCDS\t1\t90\t.\t+\t0\tID=cds-1;Parent=gene-b1;Name=WP_1;gene=dnaX\n"
        "NC_1.1\tR\tCDS\t1\t60\t.\t+\t0\tID=cds-2;Parent=gene-b1;Name=WP_2;gene=dnaX\n"
        "NC_1.1\tR\tCDS\t60\t80\t.\t+\t0\tID=cds-2;Parent=gene-b1;Name=WP_2;gene=dnaX\n"
        "NC_1.1\tR\tpseudogene\t101\t190\t.\t-\t.\tID=gene-b2;locus_tag=b2;pseudo=true\n"
        "NC_1.1\tR\tCDS\t101\t190\t.\t-\t0\tID=cds-3;Parent=gene-b2;locus_tag=b2;pseudo=true\n"
        "NC_1.1\tR\ttRNA\t201\t290\t.\t?\t.\tID=rna-1;Parent=gene-b3;locus_tag=b3\n"
        # Prokka without genes
        "NC_1.1\tP\tCDS\t301\t390\t.\t+\t0\tID=A_1;gene=yaaA;locus_tag=A_1;Name=yaaA\n"
        "NC_1.1\tP\tCDS\t401\t490\t.\t+\t0\tID=A_2;locus_tag=A_2\n"
    )
    told = [
        (f.kind, f.strand, f.gene_name, f.gene_type, f.transcript) for f in read(tmp_path, text)
    ]
    assert told == [
        ("gene", "+", "dnaX", "protein_coding", ""),
        ("CDS", "+", "dnaX", "protein_coding", "cds-1"),
        ("CDS", "+", "dnaX", "protein_coding", "cds-2"),
        ("CDS", "+", "dnaX", "protein_coding", "cds-2"),
        ("gene", "-", "b2", "pseudogene", ""),
        ("CDS", "-", "b2", "pseudogene", "cds-3"),
        ("CDS", "+", "yaaA", "", "A_1"),
        ("CDS", "+", "A_2", "", "A_2"),
        ("transcript", ".", "b3", "", "rna-1"),  # its gene never came
    ]


def test_escapes(tmp_path):
    text = (
        "c%3B\tx\tgene\t1\t9\t.\t+\t.\tID=g%2C1;Name=a%3Bb%3Dc%25\n"
        "c%3B\tx\tmRNA\t1\t9\t.\t+\t.\tID=t%2C1;Parent=g%2C1\n"
        "c%3B\tx\texon\t1\t9\t.\t+\t.\tParent=t%2C1; Note=odd blank\n"
    )
    assert [(f.gene_name, f.transcript) for f in read(tmp_path, text)] == [
        ("a;b=c%", ""),
        ("a;b=c%", "t,1"),
        ("a;b=c%", "t,1"),
    ]
    assert read(tmp_path, text)[0].interval.contig == "c;"


@pytest.mark.parametrize(
    ("strand", "frame", "frames"),
    # The piece that is read first keeps the frame: of + the one at the end, of - at the start.
    [("+", 0, (0, 1)), ("+", 1, (1, 2)), ("-", 0, (2, 0)), ("-", 2, (1, 2))],
)
def test_features_across_the_origin(tmp_path, strand, frame, frames):
    text = (
        "p\tx\tregion\t1\t100\t.\t+\t.\tID=p:1..100;Is_circular=true\n"
        f"p\tx\tCDS\t96\t107\t.\t{strand}\t{frame}\tID=c;gene=repA\n"
        f"p\tx\tCDS\t106\t117\t.\t{strand}\t{frame}\tID=c;gene=repA\n"
        "q\tx\tgene\t96\t107\t.\t+\t.\tID=g\n"
    )
    found = read(tmp_path, text)
    assert [(f.interval.start, f.interval.end, f.frame) for f in found] == [
        (95, 100, frames[0]),
        (0, 7, frames[1]),
        (5, 17, frame),
        (95, 107, None),
    ]


def test_a_circle_of_parents_ends(tmp_path):
    text = "c\tx\tmRNA\t1\t9\t.\t+\t.\tID=a;Parent=b\nc\tx\tmRNA\t1\t9\t.\t+\t.\tID=b;Parent=a\n"
    assert [f.transcript for f in read(tmp_path, text)] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("c\tx\tgene\t1\t5\n", "but the line has 5"),
        ("c\tx\tgene\t0\t5\t.\t+\t.\tID=x\n", "0 to 5 is no range"),
        ("c\tx\tgene\t1\tb\t.\t+\t.\tID=x\n", "whole numbers of bases, not '1' and 'b'"),
        ("c\tx\tgene\t1\t5\t.\tx\t.\tID=x\n", "the strand is 'x'"),
        ("c\tx\tCDS\t1\t5\t.\t+\t7\tID=x\n", "the frame is '7'"),
    ],
)
def test_bad_lines(tmp_path, line, said):
    with pytest.raises(UserError) as caught:
        read(tmp_path, ENSEMBL + line)
    assert str(caught.value).startswith(f"{tmp_path / 'x.gff3'}: line 10: ")
    assert said in str(caught.value)
