"""Whole runs: what they leave behind, exact resume, and how they fail."""

import json
import math
import random

import lightning as L
import pytest
import torch

from genomenet.errors import UserError
from genomenet.genome.importer import import_genome
from genomenet.training.config import SplitConfig
from genomenet.training.module import Diverged, GenomeModule
from genomenet.training.record import read_record
from genomenet.training.run import resume, train
from genomenet.training.tables import read_table
from genomenet.training.weights import load_checkpoint


class Killed(Exception):
    """Stands for a process that ends at once."""


def kill_after(monkeypatch, step: int) -> None:
    """Die in the middle of the step after `step`, as a killed process would."""
    original = GenomeModule.training_step

    def training_step(self, batch, batch_idx):
        result = original(self, batch, batch_idx)
        if self.global_step == step:
            raise Killed
        return result

    monkeypatch.setattr(GenomeModule, "training_step", training_step)


def without_times(rows):
    return [{k: v for k, v in row.items() if not k.startswith("perf/")} for row in rows]


def test_a_run_folder_is_complete(make_config, tmp_path):
    config = make_config()
    summary = train(config, tmp_path / "run", "genomenet train ...", progress=False)
    assert summary.step == 8
    assert summary.bases == 8 * 4 * 128
    assert math.isfinite(summary.valid_nats)
    back, record = read_record(tmp_path / "run")
    assert back == config
    assert record["command"] == "genomenet train ..."
    assert record["data"]["leaked_bp"] == 0
    assert len(record["data"]["digest"]) == 64
    assert record["versions"]["torch"] == torch.__version__
    names = {path.name for path in (tmp_path / "run" / "checkpoints").iterdir()}
    assert names == {"last.ckpt", "best.ckpt", "before_decay.ckpt"}
    assert any((tmp_path / "run" / "tensorboard").iterdir())
    valid = read_table(tmp_path / "run" / "valid.csv")
    assert [int(row["step"]) for row in valid] == [3, 6, 8]
    assert [int(row["bases"]) for row in valid] == [3 * 512, 6 * 512, 8 * 512]
    rows = read_table(tmp_path / "run" / "train.csv")
    assert [int(row["step"]) for row in rows] == list(range(1, 9))
    for row in rows:
        bits = float(row["train/loss"]) / math.log(2)
        assert float(row["train/bits_per_base"]) == pytest.approx(bits, rel=1e-5)
    assert float(rows[-1]["train/gradient_norm"]) > 0
    assert load_checkpoint(tmp_path / "run/checkpoints/before_decay.ckpt")["global_step"] == 6


@pytest.mark.parametrize(
    ("killed_after", "workers", "size"), [(1, 0, 2), (4, 0, 4), (6, 0, 2), (6, 0, 4), (7, 1, 2)]
)
def test_a_killed_run_resumes_bit_for_bit(
    make_config, tmp_path, monkeypatch, killed_after, workers, size
):
    config = make_config(
        data={"rc_aug": True}, workers=workers, checkpoint_every=2, micro_batch_size=size
    )
    train(config, tmp_path / "whole", "", progress=False)
    with monkeypatch.context() as patch:
        kill_after(patch, killed_after)
        with pytest.raises(Killed):
            train(config, tmp_path / "killed", "", progress=False)
    assert not (tmp_path / "killed" / "summary.json").exists()
    resume(tmp_path / "killed", progress=False)
    for name in ("last.ckpt", "best.ckpt", "before_decay.ckpt"):
        whole, again = (
            load_checkpoint(tmp_path / kind / "checkpoints" / name)["state_dict"]
            for kind in ("whole", "killed")
        )
        assert all(torch.equal(whole[key], again[key]) for key in whole), name
    for table in ("train.csv", "valid.csv"):
        whole, again = (read_table(tmp_path / kind / table) for kind in ("whole", "killed"))
        assert without_times(whole) == without_times(again)


@pytest.mark.parametrize("progress", [False, True])
def test_a_run_killed_in_its_last_validation_is_finished(
    make_config, tmp_path, monkeypatch, progress
):
    """All steps are done: what is left is the validation, and the clock must not run on."""
    with monkeypatch.context() as patch:
        patch.setattr(L.Trainer, "validate", lambda *a, **k: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            train(make_config(), tmp_path / "run", "", progress=False)
    seconds = load_checkpoint(tmp_path / "run/checkpoints/last.ckpt")["callbacks"]["Throughput"]
    summary = resume(tmp_path / "run", progress=progress)
    assert summary.step == 8
    assert summary.seconds == pytest.approx(seconds["seconds"])
    rows = read_table(tmp_path / "run" / "valid.csv")
    assert [int(row["step"]) for row in rows] == [3, 6, 8]


def test_a_validation_that_is_no_number_is_told(make_config, tmp_path, monkeypatch):
    original = GenomeModule.validation_step

    def poison(self, batch, batch_idx):
        with torch.no_grad():
            self.model.lm_head.weight.fill_(math.inf)
        return original(self, batch, batch_idx)

    monkeypatch.setattr(GenomeModule, "validation_step", poison)
    with pytest.raises(Diverged, match="the validation loss is nan after step 3"):
        train(make_config(), tmp_path / "run", "", progress=False)


def test_contigs_of_n_change_nothing(make_config, fasta, tmp_path):
    twin = tmp_path / "n.fa"
    twin.write_text(fasta.read_text() + ">gap\n" + "N" * 10_000 + "\n")
    import_genome([twin], tmp_path / "with_n")
    losses = []
    split = SplitConfig(by="chromosome", valid=["two"])
    import_genome([fasta], tmp_path / "without")
    for name in ("without", "with_n"):
        config = make_config(tmp_path / name, data={"split": split}, max_steps=3)
        train(config, tmp_path / f"run-{name}", "", progress=False)
        losses.append([row["val/loss"] for row in read_table(tmp_path / f"run-{name}/valid.csv")])
    assert losses[0] == losses[1]


def test_micro_batches_add_up_to_the_gradient_of_the_step(make_config, tmp_path, monkeypatch):
    """However a step is cut: windows of hardly any and of many scored bases weigh as they should.

    A mean of the micro-batches' means would give another gradient by far.
    """
    unlike = tmp_path / "unlike.fa"
    rng = random.Random(3)
    blocks = [
        "".join(
            rng.choice("ACGT" if rng.random() > share else "N" if i % 2 else "acgt")
            for _ in range(128)
        )
        for i, share in enumerate([0.0, 0.95, 0.3, 0.99] * 40)
    ]
    unlike.write_text(">a\n" + "".join(blocks) + "\n")
    import_genome([unlike], tmp_path / "unlike")
    split = SplitConfig(block_bp=1280, valid_fraction=0.2, test_fraction=0.2)
    gradients = []
    clip = GenomeModule.configure_gradient_clipping

    def keep(self, *arguments, **named):
        gradients.append({n: p.grad.clone() for n, p in self.model.named_parameters()})
        return clip(self, *arguments, **named)

    monkeypatch.setattr(GenomeModule, "configure_gradient_clipping", keep)
    for size in (1, 2, 4):
        config = make_config(
            tmp_path / "unlike",
            model={"layout": "m1T1"},
            data={"soft_mask_weight": 0.1, "split": split},
            micro_batch_size=size,
            max_steps=1,
        )
        train(config, tmp_path / str(size), "", progress=False)
    whole = gradients.pop()
    for parts in gradients:
        for name, gradient in whole.items():
            torch.testing.assert_close(parts[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


def test_the_same_seed_gives_the_same_run_and_another_does_not(make_config, tmp_path):
    ends = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(make_config(seed=seed, max_steps=2), tmp_path / name, "", progress=False)
        state = load_checkpoint(tmp_path / name / "checkpoints/last.ckpt")["state_dict"]
        ends.append(state["model.lm_head.weight"])
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_soft_masked_training_equals_its_upper_case_twin(make_config, fasta, tmp_path):
    twin = tmp_path / "upper.fa"
    twin.write_text(
        "".join(
            line if line.startswith(">") else line.upper()
            for line in fasta.read_text().splitlines(keepends=True)
        )
    )
    import_genome([twin], tmp_path / "upper")
    losses = []
    for name, genome in (("masked", None), ("upper", tmp_path / "upper")):
        config = make_config(max_steps=3) if genome is None else make_config(genome, max_steps=3)
        train(config, tmp_path / f"run-{name}", "", progress=False)
        losses.append([row["val/loss"] for row in read_table(tmp_path / f"run-{name}/valid.csv")])
    assert losses[0] == losses[1]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_lowers_the_loss(make_config, tmp_path, precision):
    config = make_config(max_steps=40, lr=1e-2, precision=precision, valid_every=20)
    train(config, tmp_path / "run", "", progress=False)
    losses = [float(row["train/loss"]) for row in read_table(tmp_path / "run/train.csv")]
    assert losses[0] > 1.6
    assert losses[-1] < 1.40


def test_divergence_names_step_window_and_checkpoint(make_config, tmp_path, monkeypatch):
    original = GenomeModule.training_step

    def poison(self, batch, batch_idx):
        if self.global_step == 5:
            with torch.no_grad():
                self.model.lm_head.weight.fill_(math.nan)
        return original(self, batch, batch_idx)

    monkeypatch.setattr(GenomeModule, "training_step", poison)
    with pytest.raises(Diverged) as error:
        train(make_config(), tmp_path / "run", "", progress=False)
    message = str(error.value)
    assert "at step 6" in message
    assert "in window one:" in message or "in window two:" in message
    assert str(tmp_path / "run" / "checkpoints" / "last.ckpt") in message
    kept = load_checkpoint(tmp_path / "run" / "checkpoints" / "last.ckpt")
    assert kept["global_step"] == 3


def test_a_folder_with_a_run_is_refused(make_config, tmp_path):
    train(make_config(max_steps=1), tmp_path / "run", "", progress=False)
    with pytest.raises(UserError, match="already holds a run"):
        train(make_config(), tmp_path / "run", "", progress=False)
    with pytest.raises(UserError, match="is finished"):
        resume(tmp_path / "run", progress=False)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="not an empty folder"):
        train(make_config(), tmp_path / "full", "", progress=False)


def test_bad_data_leaves_no_run_behind(make_config, tmp_path):
    with pytest.raises(UserError, match="max_length"):
        train(make_config(data={"max_length": 50_000}), tmp_path / "run", "", progress=False)
    with pytest.raises(UserError):
        train(make_config(genome=tmp_path / "none"), tmp_path / "run", "", progress=False)
    assert not (tmp_path / "run").exists()


def test_resuming_on_another_genome_is_refused(make_config, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        kill_after(patch, 1)
        with pytest.raises(Killed):
            train(make_config(), tmp_path / "run", "", progress=False)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["data"]["digest"] = "0" * 64
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match="is not the genome"):
        resume(tmp_path / "run", progress=False)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut off"])
def test_a_broken_checkpoint_is_one_sentence(tmp_path, content):
    path = tmp_path / "last.ckpt"
    path.write_bytes(content)
    with pytest.raises(UserError, match="not a readable checkpoint"):
        load_checkpoint(path)


def test_a_missing_checkpoint_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load_checkpoint(tmp_path / "none.ckpt")


def test_mock_data_needs_no_file(make_config, tmp_path):
    config = make_config(genome="", data={"mock": True}, max_steps=1)
    assert train(config, tmp_path / "run", "", progress=False).step == 1


def test_a_gpu_that_is_not_there(make_config, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="torch finds none"):
        train(make_config(accelerator="gpu"), tmp_path / "run", "", progress=False)
