"""What the rows of one contig become, case by case."""

import pytest

from genomenet.annotation.region_features import CodingPiece, contig_regions, joined
from tests.annotation.annotated import row

LENGTH = 10_000


def ranges(rows, upstream=10, downstream=5):
    found = contig_regions(rows, LENGTH, upstream, downstream)
    return {key: sorted(some) for key, some in found.ranges.items() if some}


def test_a_transcript_with_everything():
    rows = [
        row("gene", 100, 400),
        row("exon", 100, 200, transcript="t"),
        row("exon", 300, 400, transcript="t"),
        row("CDS", 150, 200, frame=0, transcript="t"),
        row("CDS", 300, 320, frame=1, transcript="t"),
        row("stop_codon", 320, 323, frame=0, transcript="t"),
    ]
    assert ranges(rows) == {
        ("intron", "+"): [(100, 400)],
        ("noncoding_exon", "+"): [(100, 200), (300, 400)],
        ("utr_5", "+"): [(100, 150)],
        ("utr_3", "+"): [(323, 400)],
        ("promoter", "+"): [(90, 105)],
        ("splice_donor", "+"): [(200, 202)],
        ("splice_acceptor", "+"): [(298, 300)],
    }
    assert contig_regions(rows, LENGTH, 0, 0).coding == {
        CodingPiece(150, 200, "+", 0, "g"),
        CodingPiece(300, 320, "+", 1, "g"),
        CodingPiece(320, 323, "+", 0, "g"),
    }


def test_the_other_strand_is_the_mirror_image():
    rows = [
        row("gene", 100, 400, "-"),
        row("exon", 100, 200, "-", transcript="t"),
        row("exon", 300, 400, "-", transcript="t"),
        row("CDS", 180, 200, "-", frame=0, transcript="t"),
        row("CDS", 300, 320, "-", frame=0, transcript="t"),
    ]
    found = ranges(rows)
    assert found["utr_3", "-"] == [(100, 180)]
    assert found["utr_5", "-"] == [(320, 400)]
    assert found["promoter", "-"] == [(395, 410)]
    assert found["splice_donor", "-"] == [(298, 300)]
    assert found["splice_acceptor", "-"] == [(200, 202)]


def test_promoters_stay_on_the_contig_and_start_at_every_transcript():
    rows = [
        row("gene", 3, 500),
        row("transcript", 3, 500, transcript="a"),
        row("transcript", 200, 500, transcript="b"),
        row("gene", 600, LENGTH - 4, "-", gene="h"),
    ]
    found = ranges(rows)
    assert found["promoter", "+"] == [(0, 8), (190, 205)]
    assert found["promoter", "-"] == [(LENGTH - 9, LENGTH)]
    assert ("promoter", "+") not in ranges(rows, upstream=0, downstream=0)


def test_short_gaps_are_no_introns():
    rows = [
        row("gene", 100, 400),
        row("CDS", 100, 200, frame=0, transcript="t"),
        row("CDS", 201, 300, frame=0, transcript="t"),  # a shift of the frame
        row("CDS", 310, 400, frame=0, transcript="t"),
    ]
    found = ranges(rows)
    assert found["noncoding_exon", "+"] == [(100, 300), (310, 400)]
    assert found["splice_donor", "+"] == [(300, 302)]
    assert found["splice_acceptor", "+"] == [(308, 310)]
    assert ("utr_5", "+") not in found


def test_splice_sites_without_names_of_transcripts():
    rows = [
        row("gene", 100, 900),
        row("transcript", 100, 900),
        row("transcript", 300, 450),  # ends within an intron of the other
        row("exon", 100, 200),
        row("exon", 300, 400),
        row("exon", 300, 450),
        row("exon", 700, 900),
    ]
    found = ranges(rows)
    assert found["splice_donor", "+"] == [(200, 202), (400, 402)]
    # 300 starts a transcript, so nothing tells that an intron ends there.
    assert found["splice_acceptor", "+"] == [(698, 700)]


@pytest.mark.parametrize("strand", ["+", "-"])
def test_sides_of_untranslated_rows(strand):
    def at(start, end):  # on the minus strand everything is turned round
        return (start, end) if strand == "+" else (1000 - end, 1000 - start)

    rows = [
        row("gene", *at(100, 900), strand),
        row("start_codon", *at(200, 203), strand),
        row("start_codon", *at(400, 403), strand),  # of another transcript
        row("CDS", *at(200, 300), strand),
        row("CDS", *at(400, 500), strand),
        row("CDS", *at(600, 650), strand),
        row("stop_codon", *at(297, 300), strand),
        row("stop_codon", *at(650, 653), strand),
        row("UTR", *at(100, 120), strand),  # an exon before any coding sequence
        row("UTR", *at(180, 200), strand),  # touches it
        row("UTR", *at(390, 400), strand),  # behind a stop, but touches a start
        row("UTR", *at(653, 700), strand),  # touches the stop codon
        row("UTR", *at(800, 900), strand),
        row("UTR", *at(340, 360), strand),  # behind a stop and before a start
    ]
    found = ranges(rows)
    assert found["utr_5", strand] == sorted([at(100, 120), at(180, 200), at(390, 400)])
    assert found["utr_3", strand] == sorted([at(653, 700), at(800, 900)])
    assert found["utr", strand] == [at(340, 360)]


def test_rows_that_tell_their_side():
    rows = [row("five_prime_UTR", 100, 120), row("three_prime_UTR", 300, 320), row("UTR", 5, 9)]
    found = ranges(rows)
    assert found["utr_5", "+"] == [(100, 120)]
    assert found["utr_3", "+"] == [(300, 320)]
    assert found["utr", "+"] == [(5, 9)]


def test_pseudogenes_have_exons_only():
    rows = [
        row("gene", 100, 400, type_="processed_pseudogene"),
        row("exon", 100, 200, type_="processed_pseudogene", transcript="t"),
        row("CDS", 300, 400, frame=0, type_="processed_pseudogene", transcript="t"),
        row("UTR", 100, 120, type_="processed_pseudogene"),
    ]
    assert set(ranges(rows)) == {("intron", "+"), ("noncoding_exon", "+")}
    assert not contig_regions(rows, LENGTH, 10, 5).coding
    works = [one._replace(gene_type="polymorphic_pseudogene") for one in rows]
    assert len(contig_regions(works, LENGTH, 10, 5).coding) == 1


def test_a_feature_without_strand_has_no_ends():
    rows = [row("gene", 100, 400, "."), row("exon", 100, 200, "."), row("exon", 300, 400, ".")]
    assert set(ranges(rows)) == {("intron", "."), ("noncoding_exon", ".")}


def test_frames_that_codons_tell():
    rows = [
        row("CDS", 100, 151),  # from the start codon on
        row("start_codon", 100, 103),
        row("CDS", 200, 250),
        row("CDS", 300, 350),  # up to the stop codon, which it leaves out
        row("stop_codon", 350, 353),
        row("CDS", 400, 451, "-"),
        row("start_codon", 448, 451, "-"),
    ]
    assert contig_regions(rows, LENGTH, 0, 0).coding == {
        CodingPiece(100, 151, "+", 0, "g"),
        CodingPiece(200, 250, "+", None, "g"),
        CodingPiece(300, 350, "+", 2, "g"),
        CodingPiece(350, 353, "+", 0, "g"),
        CodingPiece(400, 451, "-", 0, "g"),
    }


def test_joining():
    assert joined([(5, 8), (1, 3), (3, 4), (6, 7)]) == [(1, 4), (5, 8)]
    assert joined([(5, 8), (1, 4)], gap_bp=1) == [(1, 8)]
    assert joined([]) == []
