"""Steps and their weights, the threads that read them, and pinned memory."""

import threading

import numpy as np
import pytest
import torch

from genomenet.errors import UserError
from genomenet.genome.genome import open_genome
from genomenet.genome.intervals import Interval
from genomenet.training import loading
from genomenet.training.batch import HostBatch, to_device
from genomenet.training.config import SplitConfig
from genomenet.training.data import GenomeDataModule
from genomenet.training.loading import BatchLoader, Share, Steps, Tiles
from genomenet.windows.batch import tensor_over
from genomenet.windows.held_out import HeldOutTiles

CPU = torch.device("cpu")


def same(one: HostBatch, other: HostBatch) -> None:
    for name in ("codes", "masked", "lengths", "flip", "starts", "ends", "scores"):
        mine, theirs = getattr(one.windows, name), getattr(other.windows, name)
        assert type(mine) is type(theirs)
        if mine is not None:
            assert mine.dtype == theirs.dtype
            assert np.array_equal(mine, theirs, equal_nan=name == "scores")
    assert one.windows.names() == other.windows.names()
    assert one.windows.alphabet == other.windows.alphabet
    assert (one.step_weight, one.micro_batches) == (other.step_weight, other.micro_batches)


@pytest.mark.parametrize("soft_mask_weight", [0.25, 1.0])
def test_micro_batches_are_parts_of_the_step(make_config, soft_mask_weight):
    config = make_config(data={"soft_mask_weight": soft_mask_weight, "rc_aug": True})
    data = GenomeDataModule(config, 2)
    steps = Steps(data.training_windows, config, 2)
    parts = steps.task(3, 4)()
    whole = data.training_windows.batch(3 * 4, 4)
    assert len(parts) == 2
    for place, part in enumerate(parts):
        rows = whole.rows(2 * place, 2 * place + 2)
        same(part, HostBatch(rows, parts[0].step_weight, 2))
    several = steps.task(2, 5)()
    assert len(several) == 6
    for one, other in zip(several[2:4], parts, strict=True):
        same(one, other)
    by_hand = sum(
        0.0 if code > 3 else soft_mask_weight if masked else 1.0
        for row, mask in zip(whole.codes, whole.masked, strict=True)
        for code, masked in zip(row, mask, strict=True)
    )
    assert [part.step_weight for part in parts] == pytest.approx([by_hand] * 2)
    on_device = [to_device(part, CPU, soft_mask_weight) for part in parts]
    assert sum(float(part.weights_BL.sum()) for part in on_device) == pytest.approx(by_hand)


@pytest.mark.parametrize("pack", [False, True])
def test_ranks_have_the_rows_of_one_process(make_config, fasta, tmp_path, pack):
    short = tmp_path / "short.fa"
    short.write_text("".join(f">s{i}\n{'ACGTTGCAAG' * (3 + i)}\n" for i in range(30)))
    data = {"genome": str(short), "pack_contigs": True} if pack else {"rc_aug": True}
    if pack:
        data["split"] = SplitConfig(by="chromosome", valid=["s1"], test=["s2"])
    config = make_config(global_batch_size=8, data=data)
    windows = GenomeDataModule(config, 4).training_windows
    alone = Steps(windows, config, 4).task(1, 3)()
    ranks = [Steps(windows, config, 4, Share(i, 2)).task(1, 3)() for i in range(2)]
    assert [len(parts) for parts in ranks] == [len(alone)] * 2 == [4, 4]
    for whole, *shares in zip(alone, *ranks, strict=True):
        for number, own in enumerate(shares):
            rows = whole.windows.rows(2 * number, 2 * number + 2)
            same(own, HostBatch(rows, own.step_weight, 2))
        assert sum(own.step_weight for own in shares) == pytest.approx(whole.step_weight)
    with pytest.raises(UserError, match=r"micro-batch of 4 windows can't be shared by 3"):
        Steps(windows, config, 4, Share(0, 3))


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_ranks_score_each_tile_once_and_equally_many_batches(make_config, ranks, size):
    config = make_config()
    data = GenomeDataModule(config, 2)
    tiles = HeldOutTiles(data.genome, data.splits.valid, 128, limit=7)
    of_ranks = [Tiles(tiles, config, size, Share(i, ranks)) for i in range(ranks)]
    assert len({len(one) for one in of_ranks}) == 1
    batches = [batch for one in of_ranks for batch in [*BatchLoader(one, 0)]]
    assert len(batches) == ranks * len(of_ranks[0])
    names = [n for b in batches if not b.stands_in for n in b.windows.names()]
    assert names == [n for b in BatchLoader(Tiles(tiles, config, 7), 0) for n in b.windows.names()]


def test_n_and_padding_are_never_targets(make_config, tmp_path):
    path = tmp_path / "n.fa"
    path.write_text(">one\n" + "ACGTNNNNACGTACG" * 40 + "\n")
    tiles = HeldOutTiles(open_genome(path), [Interval("one", 0, 600)], 128)
    batch = to_device(Tiles(tiles, make_config(), 8).task(0, 1)()[0], CPU)
    codes = torch.from_numpy(tiles.batch(0, len(tiles)).codes).long()
    assert torch.equal(batch.targets_BL >= 0, (codes < 4) & batch.valid_BL)
    assert (batch.targets_BL >= 0).sum() == 600 - 4 * 40
    assert (batch.tokens_BL[:, 0] == 4).all()
    assert torch.equal(batch.tokens_BL[0, 1:], codes[0, :-1])
    assert ((batch.weights_BL > 0) == (batch.targets_BL >= 0)).all()


def test_a_loader_asks_anew_where_to_begin(make_config):
    data = GenomeDataModule(make_config(), 2)
    position = [0]
    loader = BatchLoader(Steps(data.training_windows, data.config, 2), 0, lambda: position[0])
    whole = list(loader)
    assert len(whole) == len(loader) == 8 * 2
    position[0] = 5
    rest = list(loader)
    assert len(rest) == 3 * 2
    for one, other in zip(rest, whole[-6:], strict=True):
        same(one, other)


@pytest.fixture
def track(tmp_path):
    path = tmp_path / "scores.bedGraph"
    path.write_text("one\t10\t30000\t0.5\ntwo\t0\t500\t2\n")
    return str(path)


@pytest.mark.parametrize("kind", ["store", "indexed", "mock", "text"])
@pytest.mark.parametrize(("workers", "ahead_bp"), [(1, 1 << 24), (3, 1), (3, 8_000)])
def test_workers_read_the_same_batches(
    make_config, monkeypatch, track, fasta, kind, workers, ahead_bp
):
    monkeypatch.setattr(loading, "_AHEAD_BP", ahead_bp)
    options = {
        "store": {"track": track},
        "indexed": {"genome": str(fasta)},
        "mock": {"genome": "", "mock": True},
        "text": {"genome": "", "text": str(fasta)},
    }[kind]
    found = {}
    for count in (0, workers):
        data = GenomeDataModule(make_config(workers=count, max_steps=30, data=options), 2)
        # All are held at once, so that none may stand in memory that is used again.
        found[count] = [*data.train_dataloader(), *data.val_dataloader()]
    assert len(found[0]) == 30 * 2 + 2
    for alone, sent in zip(found[0], found[workers], strict=True):
        same(sent, alone)


def test_workers_stop_with_the_loop(make_config):
    data = GenomeDataModule(make_config(workers=2), 2)
    batches = iter(data.train_dataloader())
    next(batches)
    assert [thread for thread in threading.enumerate() if thread.name.startswith("loader")]
    batches.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("loader")]


def test_an_error_in_a_worker_is_raised_as_it_is(make_config):
    class Broken:
        item_bp = micro_batches = 1

        def __len__(self) -> int:
            return 9

        def task(self, first: int, last: int):
            def read():
                raise UserError("the file breaks off; copy it again")

            return read

    for workers in (0, 2):
        with pytest.raises(UserError, match="breaks off"):
            next(iter(BatchLoader(Broken(), workers)))


def test_a_gpu_run_reads_into_pinned_memory(make_config, monkeypatch):
    expected = GenomeDataModule(make_config(), 2)
    steps = list(expected.train_dataloader())
    tiles = list(expected.val_dataloader())
    # Stands in for a GPU: memory that is asked for as pinned, with none to be had.
    pinned, plain = [], torch.empty

    def empty(*size, pin_memory=False, **options):
        made = plain(*size, **options)
        if pin_memory:
            pinned.append(made)
        return made

    monkeypatch.setattr(torch, "empty", empty)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    data = GenomeDataModule(make_config(accelerator="auto"), 2)
    monkeypatch.setattr(loading, "_AT_ONCE_BP", 1)
    for loader, wanted, pieces in (
        (data.train_dataloader(), steps, 8),
        (data.val_dataloader(), tiles, 2),
    ):
        pinned.clear()
        found = list(loader)
        assert len(pinned) == pieces
        for place, (one, other) in enumerate(zip(found, wanted, strict=True)):
            same(one, other)
            # torch must know each part as its own memory, to keep it until it is copied.
            whole = pinned[place * pieces // len(found)].untyped_storage()
            array = one.windows.packed
            tensor = tensor_over(array)
            assert tensor.untyped_storage()._cdata == whole._cdata
            assert np.array_equal(tensor.numpy(), array)
            assert tensor.numpy().dtype == array.dtype
