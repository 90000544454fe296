"""Frames from the sequence: against a loop over codons, chains of exons, and the demo's genes."""

from collections import defaultdict

import numpy as np
import pytest

from genomenet.annotation.reading_frames import open_frames, with_frames
from genomenet.annotation.region_features import KINDS, CodingPiece, contig_regions
from genomenet.genome.alphabet import decode, encode, reverse_complement
from genomenet.genome.importer import import_genome
from tests.annotation.annotated import read_annotation
from tests.genome.files import DEMO_FASTA, DEMO_GTF

STOPS = {"TAA", "TAG", "TGA"}


@pytest.mark.parametrize("bases", [0, 1, 2, 3, 4, 5, 6, 7, 50, 51, 52])
@pytest.mark.parametrize("strand", ["+", "-"])
def test_open_frames_are_those_without_stops(bases, strand):
    rng = np.random.default_rng(bases)
    for _ in range(40):
        letters = "".join(rng.choice(list("ACGTN"), bases, p=[0.3, 0.1, 0.25, 0.3, 0.05]))
        wanted = {
            frame
            for frame in range(3)
            if all(letters[i : i + 3] not in STOPS for i in range(frame, bases - 3, 3))
        }
        codes = encode(letters)
        given = codes if strand == "+" else reverse_complement(codes)
        assert open_frames(given, strand) == wanted


class Bases:
    """A genome of one contig."""

    def __init__(self, letters):
        self.codes = encode(letters)

    def read(self, contig, start, end):
        return self.codes[start:end]


@pytest.mark.parametrize("strand", ["+", "-"])
def test_neighbours_decide_for_pieces_that_are_open_in_several_frames(strand):
    # 50 bases that are open in frame 1 only, then pieces without any T.
    first = "A" + "GTA" + "AGC" * 12 + "AGTAAGCAGC"
    letters = first + "C" * 20 + "ACG" * 7 + "C" * 20 + "ACGG" * 5
    places = [(0, 50), (70, 91), (111, 131)]
    if strand == "-":
        letters = decode(reverse_complement(encode(letters)))
        places = [(len(letters) - end, len(letters) - start) for start, end in places]
    pieces = [CodingPiece(*place, strand, None, "g") for place in places]
    found = {piece[:2]: piece.frame for piece in with_frames(Bases(letters), "c", pieces)}
    assert open_frames(encode(first), "+") == {1}
    assert [found[place] for place in places] == [1, (1 - 50) % 3, (1 - 50 - 21) % 3]
    # Another gene's neighbours say nothing.
    alone = [pieces[0], *(piece._replace(gene="h") for piece in pieces[1:])]
    found = {piece[:2]: piece.frame for piece in with_frames(Bases(letters), "c", alone)}
    assert [found[place] for place in places] == [1, None, None]


def test_given_frames_stay_and_closed_pieces_get_none():
    given = CodingPiece(0, 30, "+", 2, "g")
    closed = CodingPiece(30, 60, "+", None, "h")
    strandless = CodingPiece(0, 30, ".", None, "g")
    found = with_frames(Bases("TAA" * 10 + "TAATAGATAA" * 3), "c", [given, closed, strandless])
    assert set(found) == {given, closed, strandless}


def test_the_order_of_the_pieces_is_nothing_to_it():
    genome = Bases("".join(np.random.default_rng(1).choice(list("ACGT"), 3000)))
    rng = np.random.default_rng(2)
    starts = rng.integers(0, 2900, 60)
    pieces = [CodingPiece(int(s), int(s + rng.integers(5, 60)), "+", None, "g") for s in starts]
    once = set(with_frames(genome, "c", pieces))
    assert set(with_frames(genome, "c", pieces[::-1])) == once


def test_chains_of_the_demo(tmp_path):
    """Genes with one coding transcript tell every frame by adding up lengths."""
    genome = import_genome([DEMO_FASTA], tmp_path / "demo")
    contig = genome.contigs[0]
    features = read_annotation(DEMO_GTF, KINDS)
    pieces = defaultdict(set)
    codons = defaultdict(set)
    for one in features:
        key = one.gene_name, one.strand
        if one.kind == "CDS":
            pieces[key].add((one.interval.start, one.interval.end))
        elif one.kind in {"start_codon", "stop_codon"}:
            codons[key].add((one.kind, one.interval.start))
    wanted = {}
    for (gene, strand), ranges in pieces.items():
        chain = sorted(ranges, reverse=strand == "-")
        apart = all(a[1] <= b[0] for a, b in zip(sorted(ranges), sorted(ranges)[1:], strict=False))
        whole = sum(end - start for start, end in ranges) % 3 == 0
        if apart and whole and len(codons[gene, strand]) == 2:
            read = 0
            for start, end in chain:
                wanted[gene, start, end] = -read % 3
                read += end - start
    coding = contig_regions(features, contig.length_bp, 0, 0).coding
    found = {(p.gene, p.start, p.end): p.frame for p in with_frames(genome, contig.name, coding)}
    right = [found[key] == frame for key, frame in wanted.items()]
    assert len(right) > 100
    assert all(right)
    unknown = sum(end - start for (_, start, end), frame in found.items() if frame is None)
    assert unknown < 0.03 * sum(piece.end - piece.start for piece in coding)
