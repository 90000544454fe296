"""What a data config names is what is trained on: splits, species, regions, packing."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.genome.corpus_writer import build_corpus
from genomenet.genome.intervals import Interval
from genomenet.training.config import DataConfig, SplitConfig
from genomenet.training.inputs import open_data, training_windows
from genomenet.training.run import train
from genomenet.windows.mixture import MixedWindows
from genomenet.windows.published_windows import PublishedWindows
from genomenet.windows.region_windows import RegionWindows
from tests.genome.genomes import species_of

CRITICAL_4 = 18.5
"""Chi-square with four degrees of freedom is larger once in a thousand times."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Four genomes of three species, the last one in contigs shorter than most windows."""
    folder = tmp_path_factory.mktemp("corpus")
    random = np.random.default_rng(0)
    rows = ["name\tfile\tspecies\tweight"]
    for name, species, weight, lengths in (
        ("k12", "coli", 1, [9_000]),
        ("o157", "coli", 1, [8_000, 3_000]),
        ("yeast", "yeast", 4, [10_000]),
        ("draft", "draft", 1, [60] * 100),
    ):
        text = "".join(
            f">c{i}\n{''.join(random.choice(list('ACGT'), n))}\n" for i, n in enumerate(lengths)
        )
        (folder / f"{name}.fa").write_text(text)
        rows.append(f"{name}\t{name}.fa\t{species}\t{weight}")
    (folder / "manifest.tsv").write_text("\n".join(rows) + "\n")
    build_corpus([folder / "manifest.tsv"], folder / "corpus")
    return folder / "corpus"


def drawn(data: DataConfig) -> Counter:
    """Windows of each species in one epoch."""
    genome, splits = open_data(data)
    windows = training_windows(data, genome, splits, seed=1)
    batch = windows.batch(0, windows.first_sample(1))
    return Counter(species_of(genome, name) for name in batch.contigs)


def of_corpus(corpus, **fields) -> DataConfig:
    split = SplitConfig(block_bp=1000, valid_fraction=0.1, test_fraction=0.1)
    return DataConfig(genome=str(corpus), split=split, max_length=100, **fields)


def test_species_are_drawn_by_the_weights_of_the_corpus(corpus):
    found = drawn(of_corpus(corpus, pack_contigs=True))
    share = {name: count / sum(found.values()) for name, count in found.items()}
    # 20,000, 4 x 10,000 and 6,000 bases, less what is held out, which is dealt in blocks.
    assert share == pytest.approx({"coli": 20 / 66, "yeast": 40 / 66, "draft": 6 / 66}, abs=0.05)


def test_windows_cover_contigs_in_proportion_to_their_weights(corpus):
    """Chi-square over the long contigs and all short ones together, against weights and lengths."""
    data = of_corpus(corpus, pack_contigs=True)
    genome, splits = open_data(data)
    windows = training_windows(data, genome, splits, seed=1)
    batch = windows.batch(0, 5 * windows.first_sample(1))
    drawn_windows = Counter(group_of(name) for name in batch.contigs)
    wanted: Counter = Counter()
    plain: Counter = Counter()
    for piece in splits.train:
        plain[group_of(piece.contig)] += piece.length_bp
        wanted[group_of(piece.contig)] += piece.length_bp * (4 if "yeast" in piece.contig else 1)
    assert len(wanted) == 5
    assert chi_square(drawn_windows, wanted) < CRITICAL_4
    assert chi_square(drawn_windows, plain) > 10 * CRITICAL_4


def group_of(contig: str) -> str:
    return "draft" if contig.startswith("draft") else contig


def chi_square(found: Counter, wanted: Counter) -> float:
    scale = found.total() / wanted.total()
    return sum((found[name] - n * scale) ** 2 / (n * scale) for name, n in wanted.items())


def test_weights_of_the_config_come_first(corpus):
    data = of_corpus(corpus, species_weights={"yeast": 0, "draft": 0}, pack_contigs=True)
    assert set(drawn(data)) == {"coli"}
    equal = of_corpus(corpus, species_exponent=0, species_weights={"yeast": 1.0}, pack_contigs=True)
    found = drawn(equal)
    assert max(found.values()) - min(found.values()) <= 1


def test_a_species_without_a_window_is_left_out_and_told(corpus, make_config, tmp_path):
    data = of_corpus(corpus)
    genome, splits = open_data(data)
    windows = training_windows(data, genome, splits, seed=1)
    assert isinstance(windows, MixedWindows)
    assert windows.dropped_bp >= 4_000
    assert set(drawn(data)) == {"coli", "yeast"}
    lines = []
    config = make_config()
    config = replace(config, data=data)
    train(config, tmp_path / "run", "", progress=False, tell=lines.append)
    assert any("shorter than a window and are left out" in line for line in lines)


def test_only_a_species_without_a_window(corpus):
    data = of_corpus(corpus, species_weights={"yeast": 0, "coli": 0})
    genome, splits = open_data(data)
    with pytest.raises(UserError, match="longer than every training interval"):
        training_windows(data, genome, splits, seed=1)


def test_species_weights_need_a_corpus(genome_folder):
    data = replace(of_corpus(genome_folder), species_weights={"x": 2})
    genome, splits = open_data(data)
    with pytest.raises(UserError, match="for a corpus of genomes"):
        training_windows(data, genome, splits, seed=1)


def test_whole_species_are_held_out(corpus):
    data = of_corpus(corpus)
    data = replace(data, split=SplitConfig(by="genome", valid=["o157"], test=["yeast"]))
    genome, splits = open_data(data)
    assert {species_of(genome, piece.contig) for piece in splits.test} == {"yeast"}
    assert {piece.contig.split("/")[0] for piece in splits.train} == {"k12", "draft"}


def test_published_windows_leak_and_say_so(make_config, tmp_path):
    random = np.random.default_rng(1)
    (tmp_path / "g.fa").write_text(">one\n" + "".join(random.choice(list("ACGT"), 3 << 20)) + "\n")
    rows = [("train", 0), ("valid", 524_288), ("test", 786_432)]
    bed = "".join(f"one\t{start}\t{start + 131_072}\t{name}\n" for name, start in rows)
    (tmp_path / "splits.bed").write_text(bed)
    config = make_config(max_steps=2)
    split = SplitConfig(by="bed", policy="caduceus", bed=str(tmp_path / "splits.bed"))
    data = DataConfig(genome=str(tmp_path / "g.fa"), split=split, max_length=128)
    genome, splits = open_data(data)
    assert isinstance(training_windows(data, genome, splits, seed=1), PublishedWindows)
    lines = []
    train(replace(config, data=data), tmp_path / "run", "", progress=False, tell=lines.append)
    assert any("caduceus" in line.lower() or "published" in line.lower() for line in lines), lines


def test_the_policy_needs_a_bed_file(make_config):
    config = make_config()
    split = replace(config.data.split, policy="caduceus")
    with pytest.raises(UserError, match=r"data.split.by is fraction; set it to bed"):
        replace(config, data=replace(config.data, split=split)).check()


def test_region_weights_need_regions(make_config):
    config = make_config()
    data = replace(config.data, region_weights={"intron": 2.0})
    with pytest.raises(UserError, match=r"name the folder .* as data.regions"):
        replace(config, data=data).check()


def test_regions_are_weighed_recorded_and_required(genome_folder, make_config, tmp_path):
    from genomenet.annotation.region_writer import write_regions
    from genomenet.genome.genome import open_genome
    from genomenet.training.record import read_record
    from genomenet.training.run import resume

    gtf = tmp_path / "genes.gtf"
    attributes = 'gene_id "g"; gene_type "protein_coding"; transcript_id "t";'
    rows = [("gene", 1001, 9000), ("transcript", 1001, 9000), ("exon", 1001, 3000),
            ("exon", 8001, 9000), ("CDS", 2001, 3000)]  # fmt: skip
    gtf.write_text("".join(f"one\tme\t{k}\t{a}\t{b}\t.\t+\t0\t{attributes}\n" for k, a, b in rows))
    regions = tmp_path / "regions"
    write_regions(open_genome(genome_folder), gtf, regions)
    config = make_config(max_steps=4, checkpoint_every=2)
    data = replace(config.data, regions=str(regions), region_weights={"intergenic": 0.1})
    config = replace(config, data=data)
    genome, splits = open_data(data)
    assert isinstance(training_windows(data, genome, splits, seed=1), RegionWindows)
    train(config, tmp_path / "run", "", progress=False)
    assert len(read_record(tmp_path / "run")[1]["data"]["regions"]) == 64
    (tmp_path / "run" / "summary.json").unlink()
    changed = gtf.read_text().replace("9000", "9500")
    gtf.write_text(changed)
    regions.rename(tmp_path / "old")
    write_regions(open_genome(genome_folder), gtf, regions)
    with pytest.raises(UserError, match="is not the annotation"):
        resume(tmp_path / "run", progress=False)


def test_a_bed_file_that_changed_under_a_run_is_refused(make_config, tmp_path):
    from genomenet.evaluation.run import held_out_intervals
    from genomenet.training.run import resume

    bed, run = tmp_path / "split.bed", tmp_path / "run"
    rows = "one\t0\t9000\ttrain\none\t9000\t12000\tvalid\none\t12000\t15000\ttest\n"
    bed.write_text(rows)
    config = make_config(max_steps=2, data={"split": SplitConfig(by="bed", bed=str(bed))})
    train(config, run, "", progress=False)
    (run / "summary.json").unlink()
    assert held_out_intervals(run, "test", "", "")[1] == [Interval("one", 12000, 15000)]
    bed.write_text(rows.replace("9000", "8000"))
    with pytest.raises(UserError, match=r"splits are not those .*split.bed has changed"):
        resume(run, progress=False)
    with pytest.raises(UserError, match="splits are not those"):
        held_out_intervals(run, "test", "", "")
    other = tmp_path / "other.bed"
    other.write_text("one\t0\t500\n")
    assert held_out_intervals(run, "test", "", str(other))[1] == [Interval("one", 0, 500)]
