"""What a patcher was made of is held against what a run holds out."""

import dataclasses

import pytest

from genomenet.errors import UserError
from genomenet.genome.genome import open_genome
from genomenet.models.patcher import read_patcher
from genomenet.training.calibrate import calibrate
from genomenet.training.calibration_config import CalibrateConfig
from genomenet.training.config import DataConfig, SplitConfig
from genomenet.training.inputs import make_splits, open_data
from genomenet.training.provenance import check_provenance, check_source, describe_source
from genomenet.training.run import train

SPLIT = SplitConfig(block_bp=5000, valid_fraction=0.2, test_fraction=0.2)
OTHER = dataclasses.replace(SPLIT, seed=1)
DATA, OTHER_DATA = DataConfig(split=SPLIT), DataConfig(split=OTHER)


def test_the_same_split_knows_nothing_and_another_is_refused(genome_folder):
    genome = open_genome(genome_folder)
    source, splits = describe_source(genome, DATA), make_splits(genome, DATA)
    assert check_source("it", source, genome, splits) == ()
    with pytest.raises(UserError, match=r"it was made with .* of the bases that are held out"):
        check_source("it", source, genome, make_splits(genome, OTHER_DATA))


def test_validation_bases_are_none_to_test_on(genome_folder):
    genome = open_genome(genome_folder)
    by_contig = DataConfig(split=SplitConfig(by="chromosome", valid=["two"]))
    source = describe_source(genome, by_contig)
    splits = dataclasses.replace(make_splits(genome, by_contig), train=())
    assert check_source("it", source, genome, splits) == ()
    swapped = dataclasses.replace(splits, valid=splits.test, test=splits.valid)
    with pytest.raises(UserError, match="20,000 of the bases"):
        check_source("it", source, genome, swapped)


def test_a_genome_without_soft_mask_has_the_same_bases(genome_folder, fasta, tmp_path):
    lines = fasta.read_text().splitlines()
    upper = [line if line.startswith(">") else line.upper() for line in lines]
    (tmp_path / "upper.fa").write_text("\n".join(upper) + "\n")
    genome, unmasked = open_genome(genome_folder), open_genome(tmp_path / "upper.fa")
    assert genome.digest != unmasked.digest
    source = describe_source(unmasked, DATA)
    assert check_source("it", source, genome, make_splits(genome, DATA)) == ()
    with pytest.raises(UserError, match="held out"):
        check_source("it", source, genome, make_splits(genome, OTHER_DATA))


def test_another_genome_is_told(genome_folder):
    genome, mock = open_genome(genome_folder), open_data(DataConfig(mock=True))[0]
    (note,) = check_source("it", describe_source(mock, DATA), genome, make_splits(genome, DATA))
    assert note.startswith("it was made of another genome")


def test_a_run_refuses_a_patcher_that_knows_its_held_out_bases(make_config, tmp_path):
    config = make_config(model={"chunker": "markov", "patcher": str(tmp_path / "patcher")})
    other = dataclasses.replace(config.data, split=OTHER)
    calibrate(
        CalibrateConfig(order=3, target=3, sample_bp=9000, data=other), tmp_path / "patcher", ""
    )
    with pytest.raises(UserError, match=r"patcher was made with .* held out here"):
        train(config, tmp_path / "run", "", progress=False)
    assert not (tmp_path / "run").exists()
    config = dataclasses.replace(config, data=other)
    train(dataclasses.replace(config, train=dataclasses.replace(config.train, max_steps=1)),
          tmp_path / "run", "", progress=False)  # fmt: skip


def test_the_entropy_model_within_counts_as_well(make_config, tmp_path):
    """Calibrated on another genome, by a model that was trained on this one."""
    config = make_config()
    genome, splits = open_data(config.data)
    other = dataclasses.replace(config.data, genome="", mock=True)
    calibrate(
        CalibrateConfig(order=1, target=3, sample_bp=9000, data=other), tmp_path / "patcher", ""
    )
    patcher = read_patcher(tmp_path / "patcher")
    assert len(check_provenance(patcher, genome, splits)) == 1
    record = patcher.record | {"entropy_model_source": describe_source(genome, OTHER_DATA)}
    with pytest.raises(UserError, match="the entropy model of the patcher"):
        check_provenance(dataclasses.replace(patcher, record=record), genome, splits)


def test_a_threshold_of_another_track_is_refused(genome_folder, tmp_path):
    rows = "".join(f"one\t{i}\t{i + 3}\t{i % 91}\n" for i in range(0, 30_000, 5))
    for name in ("a", "b"):
        (tmp_path / name).write_text(rows + ("" if name == "a" else "two\t0\t5\t1\n"))
    data = DataConfig(str(genome_folder), track=str(tmp_path / "a"), max_length=128, split=SPLIT)
    config = CalibrateConfig("track", target=6, sample_bp=9000, data=data)
    calibrate(config, tmp_path / "patcher", "")
    patcher = read_patcher(tmp_path / "patcher")
    assert check_provenance(patcher, *open_data(data)) == ()
    other = dataclasses.replace(data, track=str(tmp_path / "b"))
    with pytest.raises(UserError, match="calibrated on another track"):
        check_provenance(patcher, *open_data(other))
