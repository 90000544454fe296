import gzip

import pytest
from Bio.Seq import Seq
from Bio.SeqFeature import SeqFeature, SimpleLocation
from Bio.SeqRecord import SeqRecord

from genomenet.errors import UserError
from genomenet.genome.importer import import_genome
from genomenet.genome.intervals import Interval
from tests.annotation.annotated import read_annotation
from tests.genome.files import write

KINDS = ("gene", "transcript", "exon", "CDS", "five_prime_UTR")
HEAD = """\
LOCUS       TEST1                    100 bp    DNA     circular BCT 01-JAN-2000
DEFINITION  made up
ACCESSION   TEST1
VERSION     TEST1.2
FEATURES             Location/Qualifiers
     source          1..100
"""
TAIL = "ORIGIN\n" + "".join(f"{i:9} {'acgtacgtac' * 5}\n" for i in (1, 51)) + "//\n"


def features_text(*features):
    lines = []
    for kind, location, *qualifiers in features:
        lines.append(f"     {kind:15} {location}\n")
        lines += [f"{' ' * 21}/{qualifier}\n" for qualifier in qualifiers]
    return HEAD + "".join(lines) + TAIL


def read(tmp_path, *features, kinds=KINDS):
    path = write(tmp_path / "x.gb", features_text(*features))
    return [
        (f.kind, f.interval.start, f.interval.end, f.strand, f.frame, f.gene_name, f.transcript)
        for f in read_annotation(path, kinds)
    ]


def test_eukaryotic_genes(tmp_path):
    gene, cds, mrna = 'gene="A"', 'protein_id="P.1"', 'transcript_id="T.1"'
    found = read(
        tmp_path,
        ("gene", "11..80", gene),
        ("mRNA", "join(11..30,41..>80)", gene, mrna),
        ("5'UTR", "11..20", gene),
        ("CDS", "join(21..30,41..61)", gene, cds, "codon_start=2"),
        ("mRNA", "complement(join(1..9,20..29))", 'gene="B"'),
        ("regulatory", "1..2"),
    )
    assert found == [
        ("gene", 10, 80, "+", None, "A", ""),
        ("transcript", 10, 80, "+", None, "A", "T.1"),
        ("exon", 10, 30, "+", None, "A", "T.1"),
        ("exon", 40, 80, "+", None, "A", "T.1"),
        ("five_prime_UTR", 10, 20, "+", None, "A", "A"),
        # 1 base before the first codon and 9 of codons: the next part begins with a codon.
        ("CDS", 20, 30, "+", 1, "A", "P.1"),
        ("CDS", 40, 61, "+", 0, "A", "P.1"),
        ("transcript", 0, 29, "-", None, "B", "B"),
        ("exon", 19, 29, "-", None, "B", "B"),
        ("exon", 0, 9, "-", None, "B", "B"),
    ]
    assert read(tmp_path, ("mRNA", "join(1..3,7..9)", gene), kinds=["exon"]) == [
        ("exon", 0, 3, "+", None, "A", "A"),
        ("exon", 6, 9, "+", None, "A", "A"),
    ]


@pytest.mark.parametrize(
    ("location", "spans", "frames"),
    [
        ("join(95..100,1..7)", [(94, 100), (0, 7)], [0, 0]),
        ("complement(join(95..100,1..7))", [(0, 7), (94, 100)], [0, 2]),
        ("join(complement(1..7),20..30)", [(0, 7), (19, 30)], [0, 2]),  # trans-spliced
    ],
)
def test_features_in_two_pieces(tmp_path, location, spans, frames):
    found = read(tmp_path, ("gene", location, 'gene="A"'), ("CDS", location, 'locus_tag="b1"'))
    assert [row[1:3] for row in found] == spans * 2
    assert [row[4] for row in found] == [None, None, *frames]
    assert found[-1][-2:] == ("b1", "b1")


def test_pseudogenes(tmp_path):
    path = write(
        tmp_path / "x.txt",  # told by its first line
        features_text(("gene", "1..9", "pseudo"), ("gene", "1..9", 'pseudogene="unitary"')),
    )
    assert [f.gene_type for f in read_annotation(path, ["gene"])] == ["pseudogene"] * 2


@pytest.mark.parametrize("compressed", [False, True])
def test_contigs_are_called_as_in_the_import(tmp_path, compressed):
    text = features_text(("gene", "1..9", 'gene="A"')).encode()
    path = tmp_path / ("x.gbff.gz" if compressed else "x.gbff")
    write(path, gzip.compress(text) if compressed else text)
    (feature,) = read_annotation(path, ["gene"])
    (contig,) = import_genome([path], tmp_path / "store").contigs
    assert feature.interval.contig == contig.name == "TEST1.2"


def test_embl(tmp_path):
    gene = SeqFeature(SimpleLocation(4, 9, -1), type="gene", qualifiers={"gene": ["A"]})
    record = SeqRecord(
        Seq("ACGT" * 5), "U1.1", "U1", features=[gene], annotations={"molecule_type": "DNA"}
    )
    for name in ("x.embl", "x.txt"):
        (feature,) = read_annotation(write(tmp_path / name, record.format("embl")), ["gene"])
        assert feature == (Interval("U1.1", 4, 9), "gene", "-", None, "A", "", "")


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match=r"record 1: CDS at .*codon_start is '4'"):
        read(tmp_path, ("CDS", "1..9", "codon_start=4"))
    with (
        pytest.warns(match="nonsense"),
        pytest.raises(UserError, match="record 1: a gene has a location that cannot be read"),
    ):
        read(tmp_path, ("gene", "nonsense"))
    with pytest.raises(UserError, match="holds no genbank record"):
        read_annotation(write(tmp_path / "y.gb", "c\tx\tgene\t1\t2\t.\t.\t.\t.\n"), KINDS)
