"""Tasks made of annotation: labels are true, classes balanced, blocks kept apart."""

import csv
import json

import numpy as np
import pytest

from genomenet.annotation.region_writer import write_regions
from genomenet.errors import UserError
from genomenet.genome.alphabet import decode, reverse_complement
from genomenet.genome.importer import import_genome
from genomenet.genome.intervals import Interval
from genomenet.genome.store import GenomeStore
from genomenet.probes.region_task import region_labels, region_spots
from genomenet.probes.splice_task import splice_labels, splice_spots
from genomenet.probes.window_task import cut_blocks, draw_spots, write_tasks

GENES = 12
GENE_BP = 4000


@pytest.fixture(scope="module")
def annotated(tmp_path_factory):
    """Genes of two exons, one every 4,000 bases, the strands in turn."""
    folder = tmp_path_factory.mktemp("annotated")
    codes = np.random.default_rng(0).integers(0, 4, GENES * GENE_BP).astype(np.uint8)
    lines = []
    for gene in range(GENES):
        first, strand = gene * GENE_BP + 1500, "+-"[gene % 2]
        exons = [(first, first + 400), (first + 1000, first + 1400)]
        tail = f'gene_id "g{gene}"; gene_name "g{gene}"; transcript_id "t{gene}"; '
        tail += 'gene_type "protein_coding";'
        spans = [("gene", first, first + 1400), ("transcript", first, first + 1400)]
        spans += [("exon", *exon) for exon in exons]
        spans += [("CDS", exons[0][0] + 150, exons[0][1]), ("CDS", exons[1][0], exons[1][1] - 150)]
        for kind, start, end in spans:
            lines.append(f"chr1\tx\t{kind}\t{start + 1}\t{end}\t.\t{strand}\t.\t{tail}\n")
    (folder / "g.fa").write_text(f">chr1\n{decode(codes)}\n")
    (folder / "g.gtf").write_text("".join(lines))
    import_genome([folder / "g.fa"], folder / "g")
    genome = GenomeStore(folder / "g")
    track = write_regions(genome, folder / "g.gtf", folder / "r", upstream_bp=500, downstream_bp=50)
    return genome, track


def blocks_of(genome):
    return cut_blocks([Interval("chr1", 0, genome.length_bp)], GENE_BP)


def test_windows_of_regions_have_the_class_of_their_middle(annotated):
    genome, track = annotated
    for block in blocks_of(genome)[:2]:
        spots = region_spots(track, block, 100, 20, np.random.default_rng(0))
        assert {spot.label for spot in spots} == set(region_labels())
        for spot in spots:
            middle = spot.place.start + 50
            name = track.classes[int(track.read("chr1", middle, middle + 1)[0])]
            assert name.startswith(spot.label)
            assert block.start <= spot.place.start < spot.place.end <= block.end
            if spot.label != "intergenic":
                assert spot.strand == "+-"[block.start // GENE_BP % 2]


def test_sites_and_decoys_stand_in_the_middle_in_the_direction_of_the_gene(annotated):
    genome, track = annotated
    for gene, block in enumerate(blocks_of(genome)[:2]):
        first = gene * GENE_BP + 1500
        left, right = first + 400, first + 1000
        donor, acceptor = (left, right - 2) if gene == 0 else (right - 2, left)
        spots = splice_spots(genome, track, block, 60, np.random.default_rng(0))
        for spot in spots:
            codes = genome.read("chr1", spot.place.start, spot.place.end)
            middle = (codes if spot.strand == "+" else reverse_complement(codes))[29:31]
            place = spot.place.start + 29
            if spot.label == "donor":
                assert place == donor
            elif spot.label == "acceptor":
                assert place == acceptor
            else:
                assert decode(middle) in ("GT", "AG")
                assert place not in (donor, acceptor)
        counts = {label: sum(s.label == label for s in spots) for label in splice_labels()}
        assert counts["donor"] == counts["acceptor"] == 1
        assert 2 <= counts["decoy"] <= 8


def test_draws_are_balanced_and_blocks_kept_apart(annotated, tmp_path):
    genome, track = annotated

    def spots_of(block, seed):
        return region_spots(track, block, 100, 20, seed)

    blocks = blocks_of(genome)
    drawn = draw_spots(blocks, spots_of, region_labels(), 15, 0, "region")
    here = {}
    for split, spots in drawn.items():
        assert {sum(s.label == label for s in spots) for label in region_labels()} == {15}
        here[split] = {spot.place.start // GENE_BP for spot in spots}
    assert not here["train"] & here["test"]
    assert draw_spots(blocks, spots_of, region_labels(), 15, 0, "region") == drawn
    assert draw_spots(blocks, spots_of, region_labels(), 15, 1, "region") != drawn
    write_tasks(tmp_path / "made", genome, {"region": drawn}, {"seed": 0})
    with (tmp_path / "made" / "region.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 150
    for row in rows[::10]:
        codes = genome.read(row["contig"], int(row["start"]), int(row["end"]))
        assert row["sequence"] == decode(
            codes if row["strand"] == "+" else reverse_complement(codes)
        )
    assert json.loads((tmp_path / "made" / "tasks.json").read_text()) == {"seed": 0}
    with pytest.raises(UserError, match="exists already"):
        write_tasks(tmp_path / "made", genome, {}, {})


def test_too_few_windows_are_told(annotated):
    genome, track = annotated
    with pytest.raises(UserError, match="windows of 'donor' for the train rows of the task splice"):
        draw_spots(
            blocks_of(genome)[:1],
            lambda block, seed: splice_spots(genome, track, block, 60, seed),
            splice_labels(),
            15,
            0,
            "splice",
        )
