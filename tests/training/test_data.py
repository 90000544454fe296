"""The data module, and how large a micro-batch is."""

import pytest
import torch

from genomenet.errors import UserError
from genomenet.training.data import GenomeDataModule, micro_batch_size
from genomenet.training.inputs import open_data


@pytest.mark.parametrize(
    ("length", "batch", "gpu", "expected"),
    [(1024, 4, False, 4), (1024, 6, False, 3), (8192, 4, False, 1), (1024, 64, True, 64),
     (128, 7, False, 7)],
)  # fmt: skip
def test_micro_batch_size_suits_the_device(make_config, monkeypatch, length, batch, gpu, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    config = make_config(
        data={"max_length": length},
        global_batch_size=batch,
        micro_batch_size=0,
        accelerator="auto",
    )
    assert micro_batch_size(config) == expected


def test_splits_by_configuration(make_config, genome_folder, tmp_path):
    from dataclasses import replace

    base = make_config().data
    by_contig = replace(base, split=replace(base.split, by="chromosome", valid=["two"]))
    _, splits = open_data(by_contig)
    assert {interval.contig for interval in splits.train} == {"one"}
    with pytest.raises(UserError, match=r"data\.split\.bed is missing"):
        open_data(replace(base, split=replace(base.split, by="bed")))
    bed = tmp_path / "split.bed"
    bed.write_text("one\t0\t1000\ttrain\none\t1000\t2000\tvalid\nelsewhere\t0\t10\ttest\n")
    with pytest.raises(UserError, match="elsewhere"):
        open_data(replace(base, split=replace(base.split, by="bed", bed=str(bed))))


def test_a_missing_validation_split_is_one_sentence(make_config):
    from dataclasses import replace

    config = make_config()
    split = replace(config.data.split, valid_fraction=0.0)
    config = replace(config, data=replace(config.data, split=split))
    with pytest.raises(UserError, match="valid"):
        GenomeDataModule(config, 2)
