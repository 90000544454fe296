"""Models of tokens through training, evaluation and the record of a study's arm."""

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from genomenet.evaluation.likelihood.record import held_out_likelihood
from genomenet.evaluation.run import evaluate_run, held_out_intervals
from genomenet.evaluation.subject import run_subject
from genomenet.genome.intervals import Interval
from genomenet.models.flops import flops_per_base
from genomenet.models.patcher import FORMAT, RECORD, TOKENIZER
from genomenet.study.arm import chunkers, example_tracks, family, read_curve
from genomenet.training.batch import HostBatch, to_device
from genomenet.training.inputs import open_data
from genomenet.training.module import GenomeModule
from genomenet.training.provenance import describe_source
from genomenet.training.run import train
from genomenet.training.weights import load_model
from genomenet.windows.bpe_training import train_bpe
from genomenet.windows.held_out import HeldOutTiles
from genomenet.windows.training_windows import TrainingWindows


@pytest.fixture(params=["kmer", "bpe"])
def config(request, make_config, tmp_path):
    base = make_config(max_steps=40, lr=0.02, valid_every=10)
    model = {"layout": "T1m1", "tokeniser": request.param, "kmer": 3, "vocab_size": 70}
    if request.param == "bpe":
        genome, splits = open_data(base.data)
        folder = tmp_path / "patcher"
        folder.mkdir()
        train_bpe(genome, splits.train, 68).save(str(folder / TOKENIZER))
        record = {"rule": {}, "target": None, "max_chunk": 0, "reset_bp": 0, "model": None}
        record |= {"format": FORMAT, "kind": "bpe", "alphabet": "dna"}
        record["data"] = {"source": describe_source(genome, base.data)}
        (folder / RECORD).write_text(json.dumps(record))
        model["patcher"] = str(folder)
    return replace(base, model=replace(base.model, **model))


def test_the_loss_falls_and_bases_per_token_are_told(config, tmp_path):
    run = tmp_path / "run"
    train(config, run, "", progress=False)
    with (run / "valid.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (run / "train.csv").open() as file:
        first = float(next(csv.DictReader(file))["train/loss"])
    last = float(rows[-1]["val/loss"])
    assert last < first - 0.1
    assert last < math.log(4)
    genome, intervals = held_out_intervals(run, "test", "", "")
    found = evaluate_run(run, "final", genome, intervals)
    assert found.bases == sum(interval.length_bp for interval in intervals)
    (rate,) = found.bases_per_chunk
    # Windows of 128 are 42 words of three and a tail of two single bases.
    assert 128 / 45 < rate <= 3 if config.model.tokeniser == "kmer" else 1.5 < rate < 6
    assert found.flops_per_base == flops_per_base(config.model, 128, [rate]).total
    assert read_curve(run, config)[-1].bases_per_chunk[0] == pytest.approx(rate, rel=0.05)
    assert (family(config.model), chunkers(config.model)) == ("tokenised", config.model.tokeniser)

    example = Interval("one", 0, 100)
    (track,), surprise = example_tracks(run, config, genome, "arm", 0, example)
    # A base has a boundary where its token ends.
    model, _ = load_model(run, "final")
    bases = torch.from_numpy(genome.read("one", 0, 100).astype(np.int64))[None]
    cut = model.tokeniser.cut(bases, torch.ones_like(bases, dtype=torch.bool))
    assert list(track.boundary[:-1]) == cut.ends_BL[0, :-1].tolist()
    tiles = HeldOutTiles(genome, [example], 128)
    whole = held_out_likelihood(run_subject(run), tiles, "final")
    assert len(surprise.nats) == 100
    assert np.nanmean(surprise.nats) == pytest.approx(whole.nats, abs=1e-4)


def test_micro_batches_and_soft_mask_weights_count_by_base(config):
    """The loss of a step is the weighted mean of nats per base, however the step is cut."""
    torch.manual_seed(0)
    module = GenomeModule(config).double()
    genome, splits = open_data(config.data)
    windows = TrainingWindows(genome, splits.train, 128, 0, True)
    whole = to_device(HostBatch(windows.batch(0, 4)), torch.device("cpu"), 0.25)
    parts = [
        to_device(HostBatch(windows.batch(first, 2)), torch.device("cpu"), 0.25) for first in (0, 2)
    ]
    sums = [
        (batch.scored_by(module.model).nats_BL * batch.weights_BL).sum().item()
        for batch in (whole, *parts)
    ]
    assert sums[0] == pytest.approx(sums[1] + sums[2])
    assert 0 < float(whole.weights_BL.sum()) < whole.weights_BL.numel()
