"""Patchers from data to model: what is fitted, met, written, read back and refused."""

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from genomenet.chunking.boundaries import Boundaries
from genomenet.errors import UserError
from genomenet.models.chunkers import bpe_words, load_tensors, make_chunker
from genomenet.models.config import ModelConfig
from genomenet.models.patcher import read_patcher
from genomenet.training.bpe_words import shortened, vocabulary
from genomenet.training.calibrate import calibrate
from genomenet.training.calibration_config import CalibrateConfig
from genomenet.training.calibration_windows import chunk_statistics
from genomenet.training.config import DataConfig, SplitConfig
from genomenet.training.inputs import open_data
from genomenet.training.record import RECORD, read_record
from genomenet.training.run import resume, train
from genomenet.training.weights import load_model

DEMO = Path(__file__).parents[2] / "data_prep" / "demo" / "human_chr20_42M_46M.fa.gz"
SPLIT = SplitConfig(block_bp=1000, valid_fraction=0.2, test_fraction=0.2)


@pytest.fixture
def make(genome_folder):
    """A config that is calibrated in a second."""

    def config(data=None, **fields):
        data = DataConfig(
            **{"genome": str(genome_folder), "max_length": 128, "split": SPLIT, **(data or {})}
        )
        return CalibrateConfig(**{"order": 4, "sample_bp": 20_000, "data": data, **fields})

    return config


@pytest.fixture
def track(genome_folder, tmp_path):
    """Scores for every tenth base or so, as bedGraph."""
    genome, _ = open_data(DataConfig(genome=str(genome_folder), split=SPLIT))
    generator = np.random.default_rng(8)
    lines = []
    for contig in genome.contigs:
        for start in range(0, contig.length_bp - 10, 10):
            lines.append(f"{contig.name}\t{start}\t{start + 7}\t{generator.random():.4f}")
    path = tmp_path / "scores.bedgraph"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_markov_on_human_dna_meets_the_target_on_held_out_windows(tmp_path):
    """Small blocks, so that the splits have the same composition."""
    data = DataConfig(genome=str(DEMO), split=SplitConfig(block_bp=10_000))
    config = CalibrateConfig(kind="markov", target=4.0, order=8, data=data)
    done = calibrate(config, tmp_path / "patcher", "test")
    assert done.train["mean"] == pytest.approx(4.0, rel=0.005)
    assert done.valid["mean"] == pytest.approx(4.0, rel=0.02)
    assert done.notes == ()
    assert 1.3 < done.rule.threshold < np.log(4)


@pytest.mark.parametrize(
    "fields",
    [
        {"rule": "threshold"},
        {"rule": "difference", "max_chunk": 12},
        {"rule": "both", "rise": -0.2, "reset_bp": 32},
        {"order": 1},
    ],
)
def test_a_model_patches_as_it_was_calibrated(make, tmp_path, fields):
    config = make(target=3.0, **fields)
    done = calibrate(config, tmp_path / "patcher", "test")
    assert done.train["mean"] == pytest.approx(3.0, rel=0.02)
    model = ModelConfig(
        chunker="markov",
        patcher=str(tmp_path / "patcher"),
        targets=3.0,
        max_chunk=config.max_chunk,
    )
    chunker = make_chunker(model, 0)
    assert chunker.rule == done.rule
    assert chunker.reset == config.reset_bp
    record = read_patcher(tmp_path / "patcher").record
    assert record["statistics"]["valid"] == done.valid
    assert record["command"] == "test"
    assert len(load_tensors(tmp_path / "patcher")) == config.order + 1


def test_few_levels_are_told_of(make, tmp_path):
    done = calibrate(make(target=3.0, order=0, rule="threshold"), tmp_path / "patcher", "test")
    assert done.train["mean"] == pytest.approx(3.0, rel=0.02)
    assert "exactly the value at the threshold" in done.notes[0]


def test_only_the_training_split_is_counted(make, tmp_path):
    config = make()
    genome, splits = open_data(config.data)
    other = dataclasses.replace(splits, test=(), valid=splits.valid)
    assert other.train == splits.train
    calibrate(config, tmp_path / "one", "test")
    table = load_tensors(tmp_path / "one")["order_0"]
    codes = np.concatenate([genome.read(i.contig, i.start, i.end) for i in splits.train])
    share = np.bincount(codes, minlength=4)[:4] / codes.size
    assert table.item() == pytest.approx(-(share * np.log(share)).sum(), abs=1e-3)


def test_track(make, track, tmp_path):
    done = calibrate(
        make(data={"track": str(track)}, kind="track", target=3.0), tmp_path / "patcher", "test"
    )
    assert done.train["mean"] == pytest.approx(3.0, rel=0.01)
    record = read_patcher(tmp_path / "patcher").record
    assert record["track_fingerprint"]
    model = ModelConfig(chunker="track", patcher=str(tmp_path / "patcher"), targets=3.0)
    assert make_chunker(model, 0).rule == done.rule


def test_bpe(make, tmp_path):
    done = calibrate(make(kind="bpe", target=4.0), tmp_path / "patcher", "test")
    assert done.train["mean"] == pytest.approx(4.0, rel=0.05)
    assert "bases per token" in done.notes[0]
    words = bpe_words(tmp_path / "patcher")
    assert words[:4] == list("ACGT")
    calibrate(make(kind="bpe", vocab_size=len(words)), tmp_path / "sized", "test")
    found, sized = (
        (tmp_path / name / "tokenizer.json").read_text() for name in ("patcher", "sized")
    )
    assert json.loads(found) == json.loads(sized), "the first words of more are those of fewer"
    again = shortened(sized, 20)
    assert vocabulary(again) == words[:20]
    assert Tokenizer.from_str(again).encode("GATTACA").tokens
    assert read_patcher(tmp_path / "sized").target is None


@pytest.fixture
def entropy_run(make_config, tmp_path):
    run = tmp_path / "entropy-run"
    train(make_config(model={"layout": "m1"}, data={"split": SPLIT}), run, "test", progress=False)
    return run


def test_entropy_and_a_run_that_is_complete_by_itself(make, entropy_run, make_config, tmp_path):
    patcher = tmp_path / "patcher"
    config = make(kind="entropy", entropy_model=str(entropy_run), target=3.0, reset_bp=64)
    done = calibrate(config, patcher, "test")
    assert done.valid["mean"] == pytest.approx(3.0, rel=0.1)
    model, _ = load_model(entropy_run, "final")
    kept = load_tensors(patcher)
    assert all(torch.equal(kept[name], value) for name, value in model.state_dict().items())

    config = make_config(
        model={"chunker": "entropy", "patcher": str(patcher), "targets": 3.0},
        data={"split": SPLIT},
        max_steps=2,
    )
    train(config, tmp_path / "run", "test", progress=False)
    record = json.loads((tmp_path / "run" / RECORD).read_text())
    assert record["patcher"] == read_patcher(patcher).digest
    patcher.rename(tmp_path / "elsewhere")
    read, _ = read_record(tmp_path / "run")
    assert read.model.patcher == str(tmp_path / "run/patcher")
    patched, _ = load_model(tmp_path / "run", "final")
    assert not any("frozen" in name for name in patched.state_dict())
    tokens = torch.randint(0, 4, (2, 128))
    assert patched(tokens).boundaries[0].mask.any()


def test_an_entropy_model_does_not_shift_the_weights_around_it(make, entropy_run, tmp_path):
    from genomenet.models.language_model import LanguageModel

    config = make(kind="entropy", entropy_model=str(entropy_run), target=3.0)
    calibrate(config, tmp_path / "patcher", "test")
    small = {"layout": "m1 + T1 + m1", "d_model": 16, "head_dim": 8, "d_state": 8}
    weights = []
    patched = {"chunker": "entropy", "patcher": str(tmp_path / "patcher")}
    for fields in ({"chunker": "random"}, patched):
        torch.manual_seed(0)
        model = ModelConfig(**small, **fields, mamba_head_dim=16)
        weights.append(LanguageModel(model).state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_an_entropy_model_that_knows_held_out_bases_is_refused(make, entropy_run, tmp_path):
    other = {"split": dataclasses.replace(SPLIT, seed=1)}
    config = make(data=other, kind="entropy", entropy_model=str(entropy_run))
    with pytest.raises(UserError, match="of the bases that are held out here"):
        calibrate(config, tmp_path / "patcher", "test")
    assert not (tmp_path / "patcher").exists()


def test_entropies_of_text(make_config, tmp_path):
    words = np.random.default_rng(0).choice(["the", "cat", "sat", "on", "a", "mat."], 8000)
    (tmp_path / "text").mkdir()
    for number, part in enumerate(np.split(words, 8)):
        (tmp_path / "text" / f"{number}.txt").write_text(" ".join(part))
    split = SplitConfig(block_bp=500, valid_fraction=0.2, test_fraction=0.2)
    data = {"genome": "", "text": str(tmp_path / "text"), "split": split}
    bytes_model = {"layout": "m1", "alphabet": "bytes", "vocab_size": 256}
    run = make_config(model=bytes_model, data=data)
    train(run, tmp_path / "run", "test", progress=False)
    config = CalibrateConfig(
        kind="entropy", entropy_model=str(tmp_path / "run"), sample_bp=20_000, data=run.data
    )
    done = calibrate(config, tmp_path / "patcher", "test")
    assert done.train["mean"] == pytest.approx(4.0, rel=0.01)
    assert read_patcher(tmp_path / "patcher").alphabet == "bytes"
    dna = dataclasses.replace(config, data=DataConfig(mock=True))
    with pytest.raises(UserError, match="reads bytes, but these data are dna"):
        calibrate(dna, tmp_path / "other", "test")
    with pytest.raises(UserError, match="markov is for DNA"):
        dataclasses.replace(config, kind="markov").check()


def test_a_patcher_and_a_model_must_agree(make, tmp_path):
    folder = tmp_path / "patcher"
    calibrate(make(target=3.0, max_chunk=20), folder, "test")
    right = {"chunker": "markov", "patcher": str(folder), "targets": 3.0, "max_chunk": 20}
    make_chunker(ModelConfig(**right), 0)
    for wrong, says in (
        ({"chunker": "track"}, "set model.chunker to markov"),
        ({"targets": 4.0}, "was calibrated for 3"),
        ({"max_chunk": 0}, "was calibrated for 20"),
        ({"patcher": ""}, "model.patcher is missing"),
        ({"patcher": str(tmp_path)}, "it has no patcher.json"),
        ({"alphabet": "bytes"}, "reads dna"),
    ):
        with pytest.raises(UserError, match=says):
            make_chunker(ModelConfig(**{**right, **wrong}), 0)
    tensors = folder / "patcher.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:50])
    with pytest.raises(UserError, match="is damaged"):
        make_chunker(ModelConfig(**right), 0)
    tensors.unlink()
    with pytest.raises(UserError, match="has lost its patcher"):
        make_chunker(ModelConfig(**right), 0)
    (folder / "patcher.json").write_text('{"format": 99}')
    with pytest.raises(UserError, match="has format 99"):
        read_patcher(folder)
    (folder / "patcher.json").write_text("{")
    with pytest.raises(UserError, match="not readable JSON"):
        read_patcher(folder)


def test_statistics_are_those_of_a_loop():
    generator = torch.Generator().manual_seed(0)
    valid = torch.arange(40) < torch.randint(1, 41, (9, 1), generator=generator)
    mask = (torch.rand(9, 40, generator=generator) < 0.3) & valid
    mask[:, 0] = True
    lengths = []
    for row in range(9):
        starts = [t for t in range(40) if mask[row, t]] + [int(valid[row].sum())]
        lengths += [b - a for a, b in itertools.pairwise(starts)]
    found = chunk_statistics(Boundaries(mask.float(), mask, valid))
    assert found["chunks"] == len(lengths)
    assert found["mean"] == pytest.approx(np.mean(lengths))
    assert found["longest"] == max(lengths)
    assert found["quantiles"]["0.5"] == sorted(lengths)[len(lengths) // 2]


def test_resume_reads_the_copy(make, make_config, tmp_path):
    calibrate(make(target=3.0), tmp_path / "patcher", "test")
    config = make_config(
        model={"chunker": "markov", "patcher": str(tmp_path / "patcher")},
        data={"split": SPLIT},
        max_steps=2,
    )
    train(config, tmp_path / "first", "test", progress=False)
    run = (tmp_path / "first").rename(tmp_path / "run")
    (run / "summary.json").unlink()
    (tmp_path / "patcher").rename(tmp_path / "gone")
    assert resume(run, progress=False).step == 2
    record = run / "patcher/patcher.json"
    record.write_text(record.read_text().replace('"kind": "threshold"', '"kind": "difference"'))
    with pytest.raises(UserError, match="is not the patcher that"):
        load_model(run, "final")
    (run / "summary.json").unlink()
    with pytest.raises(UserError, match="is not the patcher that"):
        resume(run, progress=False)
