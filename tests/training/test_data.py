"""Micro-batches and the weight of a step."""

import numpy as np
import pytest
import torch

from genomenet.errors import UserError
from genomenet.training.batch import to_device
from genomenet.training.data import (
    CountFrom,
    GenomeDataModule,
    MicroBatches,
    Tiles,
    micro_batch_size,
    open_data,
)


def test_micro_batches_are_parts_of_the_step(make_config):
    config = make_config(data={"soft_mask_weight": 0.25, "rc_aug": True})
    data = GenomeDataModule(config, 2)
    micro = MicroBatches(data.training_windows, config, 2)
    whole = data.training_windows.batch(3 * 4, 4)
    parts = [micro[6], micro[7]]
    assert np.array_equal(np.concatenate([part.windows.codes for part in parts]), whole.codes)
    by_hand = sum(
        0.0 if code > 3 else 0.25 if masked else 1.0
        for row, mask in zip(whole.codes, whole.masked, strict=True)
        for code, masked in zip(row, mask, strict=True)
    )
    assert [part.step_weight for part in parts] == pytest.approx([by_hand] * 2)
    on_device = [to_device(part, torch.device("cpu"), 0.25) for part in parts]
    assert sum(float(part.weights_BL.sum()) for part in on_device) == pytest.approx(by_hand)


def test_n_and_padding_are_never_targets(make_config, tmp_path):
    path = tmp_path / "n.fa"
    path.write_text(">one\n" + "ACGTNNNNACGTACG" * 40 + "\n")
    from genomenet.genome.genome import open_genome
    from genomenet.genome.held_out import HeldOutTiles
    from genomenet.genome.intervals import Interval

    tiles = HeldOutTiles(open_genome(path), [Interval("one", 0, 600)], 128)
    batch = to_device(Tiles(tiles, 8)[0], torch.device("cpu"))
    codes = torch.from_numpy(tiles.batch(0, len(tiles)).codes).long()
    assert torch.equal(batch.targets_BL >= 0, (codes < 4) & batch.valid_BL)
    assert (batch.targets_BL >= 0).sum() == 600 - 4 * 40
    assert (batch.tokens_BL[:, 0] == 4).all()
    assert torch.equal(batch.tokens_BL[0, 1:], codes[0, :-1])
    assert ((batch.weights_BL > 0) == (batch.targets_BL >= 0)).all()


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


def test_count_from_asks_anew():
    position = [0]
    sampler = CountFrom(lambda: position[0], 5)
    assert list(sampler) == [0, 1, 2, 3, 4]
    position[0] = 3
    assert list(sampler) == [3, 4]


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
