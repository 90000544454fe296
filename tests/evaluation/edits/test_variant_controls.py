"""What stands beside models of variants: trivial scores, splice distance, a Markov model."""

import math

import numpy as np
import pytest

from genomenet.evaluation.edits.edit import allele_edit, score_edits
from genomenet.evaluation.edits.variant_controls import (
    SpliceSites,
    context_control,
    training_control,
    trivial_scores,
)
from genomenet.evaluation.edits.variants_file import Variant
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.genome import open_genome
from genomenet.training.run import train

GTF = """\
1|x|gene|101|500|.|{strand}|.|gene_id "g";
1|x|transcript|101|500|.|{strand}|.|gene_id "g"; transcript_id "t";
1|x|exon|101|200|.|{strand}|.|gene_id "g"; transcript_id "t";
1|x|exon|301|500|.|{strand}|.|gene_id "g"; transcript_id "t";
"""


@pytest.mark.parametrize("strand", ["+", "-"])
def test_splice_distance_counts_no_ends_of_transcripts(tmp_path, make_store, strand):
    genome = make_store({"chr1": "ACGT" * 200})
    path = tmp_path / "a.gtf"
    path.write_text(GTF.format(strand=strand).replace("|", "\t"))
    sites = SpliceSites(path, ContigNames(genome.contigs))
    # Edges are at 200 and 300: bases on either side of an edge are 0 bases away.
    for start, end, far in (
        (199, 200, 0), (200, 201, 0), (202, 203, 2), (190, 191, 9), (100, 101, 99), (299, 300, 0),
        (300, 301, 0), (499, 500, 199), (195, 205, 0), (250, 251, 49),
    ):  # fmt: skip
        assert sites.distance("chr1", start, end) == far, (start, end)
    assert sites.distance("chr2", 5, 6) == math.inf


def test_trivial_scores(make_store):
    genome = make_store({"chr1": "AACGTT" * 50})

    def trivial(start, ref, alt):
        generator = np.random.default_rng(0)
        return trivial_scores(Variant("chr1", start, ref, alt), genome, 300, None, generator)

    for start, ref, alt, transversion, kept in (
        (62, "C", "T", 0, 0), (63, "G", "A", 0, 0), (62, "C", "A", 1, 1), (60, "A", "G", 0, 1),
        (0, "A", "G", 0, 1), (299, "T", "C", 0, 1),
    ):  # fmt: skip
        found = trivial(start, ref, alt)
        assert found["transversion or indel"] == transversion, (start, alt)
        assert found["not a CpG transition"] == kept, (start, alt)
    assert trivial(60, "AA", "A")["length change"] == 1
    assert trivial(60, "AA", "A")["transversion or indel"] == 1
    assert "near a splice site" not in found


def test_context_is_counted_outside_of_the_windows(make_store):
    generator = np.random.default_rng(0)
    repeat = "AACGTTGCAT" * 80_000
    strange = "".join("ACGT"[i] for i in generator.integers(4, size=20_000))
    genome = make_store({"chr1": repeat + strange})
    inside = [Variant("chr1", 800_000 + i, strange[i], "A") for i in range(0, 20_000, 50)]
    model, where = context_control(genome, inside, 100)
    assert "outside of" in where
    start = 400_000
    ref = repeat[start]
    edit = allele_edit(genome, "chr1", 820_000, start, ref, "C" if ref != "C" else "G", 64)
    # The repeat is all that was counted, so what breaks it is very unlikely.
    assert score_edits(model, [edit]).delta[0] < -8
    counted = model.model._model.counts[0].sum()
    assert counted < 2 * 800_000
    _, where = context_control(make_store({"chr1": strange}), [], 100)
    assert "whole genome" in where


def test_training_split_of_a_run(tmp_path, make_config, make_store, genome_folder):
    run = tmp_path / "run"
    train(make_config(model={"layout": "T1"}, max_steps=1), run, "test", progress=False)
    genome = open_genome(genome_folder)
    training, model = training_control(run, genome)
    assert 0 < sum(one.length_bp for one in training) < genome.length_bp
    assert "Markov" in model.name
    assert training_control(run, make_store({"chr1": "ACGT" * 50})) is None
