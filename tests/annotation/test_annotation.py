from collections import defaultdict

import pytest

from genomenet.errors import UserError
from genomenet.genome.alphabet import decode
from genomenet.genome.genome import open_genome
from genomenet.genome.intervals import Interval
from tests.annotation.annotated import read_annotation
from tests.genome.files import DEMO_FASTA, DEMO_GTF, write, write_gzip

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


@pytest.fixture(scope="module")
def demo():
    return open_genome(DEMO_FASTA)


def bases(genome, contig, start, end, strand):
    letters = decode(genome.read(contig, start, end))
    return letters if strand == "+" else letters.translate(COMPLEMENT)[::-1]


@pytest.mark.parametrize(
    ("name", "text", "transcript"),
    [
        ("x", "##gff-version 3\nc\tx\texon\t1\t2\t.\t.\t.\tParent=t\n", "t"),
        ("x", "#!gff-version 3\n\nc\tx\texon\t1\t2\t.\t.\t.\tID=e;Parent=t\n", "t"),
        ("x.gff3", "c\tx\tregion\t1\t9\t.\t.\t.\t.\nc\tx\texon\t1\t2\t.\t.\t.\tParent=t\n", "t"),
        (
            "x.gtf",
            "c\tx\tregion\t1\t9\t.\t.\t.\t\nc\tx\texon\t1\t2\t.\t.\t.\ttranscript_id t\n",
            "t",
        ),
        # The content goes before the suffix.
        ("x.gff3", 'c\tx\texon\t1\t2\t.\t.\t.\tgene_id "a=b"; transcript_id "t"\n', "t"),
        ("x.gtf", "c\tx\texon\t1\t2\t.\t.\t.\tID=e;Parent=t\n", "t"),
    ],
)
def test_formats_are_told_apart(tmp_path, name, text, transcript):
    for path in (write(tmp_path / name, text), write_gzip(tmp_path / f"{name}.gz", text)):
        (exon,) = read_annotation(path, ["exon"])
        assert (exon.interval, exon.transcript) == (Interval("c", 0, 2), transcript)


def test_files_without_annotation(tmp_path):
    for text in ("", "##gff-version 3\n\n"):
        with pytest.raises(UserError, match="holds no annotation"):
            read_annotation(write(tmp_path / "x.gff3", text), ["gene"])
    with pytest.raises(UserError, match="line 1: GTF and GFF3 have nine columns"):
        read_annotation(write(tmp_path / "x.gtf", "chr1\t1\t2\tname\n"), ["gene"])
    with pytest.raises(UserError, match="does not exist"):
        read_annotation(tmp_path / "none.gtf", ["gene"])


def test_the_demo_annotation():
    genes = read_annotation(DEMO_GTF, ["gene"])
    assert len(genes) == 147
    assert sum(gene.gene_type == "protein_coding" for gene in genes) == 84
    assert genes[0].interval == Interval("chr20_42M_46M", 17281, 17681)
    assert genes[0][1:] == ("gene", "-", None, "RP5-862K6.4", "pseudogene", "")
    assert all(0 <= gene.interval.start < gene.interval.end <= 4_000_000 for gene in genes)


def test_start_and_stop_codons_of_the_demo(demo):
    read = {"start_codon": [], "stop_codon": []}
    for feature in read_annotation(DEMO_GTF, read):
        place = feature.interval
        if place.length_bp == 3:  # others are cut by an intron
            read[feature.kind].append(
                bases(demo, place.contig, place.start, place.end, feature.strand)
            )
    assert len(read["start_codon"]) == 276
    assert set(read["start_codon"]) == {"ATG"}
    assert len(read["stop_codon"]) == 276
    assert set(read["stop_codon"]) == {"TAA", "TAG", "TGA"}


def test_splice_sites_of_the_demo(demo):
    # The demo doesn't tell which transcript an exon is of. What ends an exon and no transcript of
    # its gene is a splice site.
    ends = defaultdict(lambda: defaultdict(set))
    for feature in read_annotation(DEMO_GTF, ["transcript", "exon"]):
        if feature.gene_type != "protein_coding":
            continue
        low, high = feature.interval.start, feature.interval.end
        first, last = (low, high) if feature.strand == "+" else (high, low)
        gene = ends[feature.gene_name, feature.strand]
        gene[feature.kind, "first"].add(first)
        gene[feature.kind, "last"].add(last)
    contig = demo.contigs[0].name
    donors, acceptors = [], []
    for (_, strand), gene in ends.items():
        after = 1 if strand == "+" else -1
        for at in gene["exon", "last"] - gene["transcript", "last"]:
            donors.append(bases(demo, contig, *sorted((at, at + 2 * after)), strand))
        for at in gene["exon", "first"] - gene["transcript", "first"]:
            acceptors.append(bases(demo, contig, *sorted((at, at - 2 * after)), strand))
    assert len(donors) > 600
    assert len(acceptors) > 600
    assert donors.count("GT") > 0.98 * len(donors)
    # GC is the one other donor in common use.
    assert donors.count("GT") + donors.count("GC") >= 0.989 * len(donors)
    assert acceptors.count("AG") > 0.99 * len(acceptors)
