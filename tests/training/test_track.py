"""Scores of an external track on their way to the model."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import genomenet
from genomenet.cli.main import main
from genomenet.errors import UserError
from genomenet.evaluation.run import evaluate_run, held_out_intervals
from genomenet.genome.genome import open_genome
from genomenet.genome.intervals import Interval
from genomenet.interop.folder import export
from genomenet.models.language_model import LanguageModel
from genomenet.training.inputs import open_data
from genomenet.training.provenance import describe_source
from genomenet.training.run import resume, train
from genomenet.windows.batch import to_model_inputs
from genomenet.windows.held_out import HeldOutTiles


@pytest.fixture
def track(genome_folder, tmp_path):
    """A score for every third base of contig one, none in contig two."""
    length_bp = open_genome(genome_folder).contigs[0].length_bp
    rows = [f"one\t{i}\t{i + 1}\t{i % 97 / 8}\n" for i in range(0, length_bp, 3)]
    path = tmp_path / "scores.bedGraph"
    path.write_text("".join(rows))
    return path


@pytest.fixture
def seen(monkeypatch):
    """What every forward pass was given."""
    calls = []
    forward = LanguageModel.forward

    def spy(self, tokens_BL, valid_BL=None, **named):
        calls.append((tokens_BL, named["masked_BL"], named["scores_BL"]))
        return forward(self, tokens_BL, valid_BL, **named)

    monkeypatch.setattr(LanguageModel, "forward", spy)
    return calls


def check(seen, genome):
    """Every row's mask and scores are those of the bases that its positions read, on its strand."""
    for tokens_BL, masked_BL, scores_BL in seen:
        for row in range(len(tokens_BL)):
            assert not masked_BL[row, 0]
            assert torch.isnan(scores_BL[row, 0])
    places = {}
    for contig in genome.contigs:
        codes = genome.read(contig.name, 0, contig.length_bp)
        masks = genome.read_mask(contig.name, 0, contig.length_bp)
        scores = genome.track.read(contig.name, 0, contig.length_bp)
        complement = np.where(codes < 4, 3 - codes, codes)[::-1]
        for c, m, s in ((codes, masks, scores), (complement, masks[::-1], scores[::-1])):
            for i in range(len(c) - 100):
                places[c[i : i + 100].tobytes()] = (m[i : i + 100], s[i : i + 100])
    found = 0
    for tokens_BL, masked_BL, scores_BL in seen:
        for row in range(len(tokens_BL)):
            key = tokens_BL[row, 1:101].numpy().astype(np.uint8).tobytes()
            if key not in places:  # a short tile
                continue
            masks, scores = places[key]
            assert np.array_equal(masked_BL[row, 1:101].numpy(), masks)
            assert np.array_equal(scores_BL[row, 1:101].numpy(), scores, equal_nan=True)
            found += not np.isnan(scores).all()
    assert found > 3


def test_scores_reach_the_model_in_training_validation_and_scoring(
    make_config, track, tmp_path, seen
):
    config = make_config(data={"track": str(track), "rc_aug": True}, max_steps=4)
    told = []
    train(config, tmp_path / "run", "", progress=False, tell=told.append)
    assert any("lacks 1 of 2 contigs, 'two' the first" in line for line in told)
    genome, _ = open_data(config.data)
    check(seen, genome)
    seen.clear()
    genome, intervals = held_out_intervals(tmp_path / "run", "valid", "", "")
    evaluate_run(tmp_path / "run", "final", genome, intervals)
    check(seen, genome)


def test_without_a_track_there_are_no_scores(make_config, tmp_path, seen):
    train(make_config(max_steps=2), tmp_path / "run", "", progress=False)
    assert all(scores is None for _, _, scores in seen)
    assert any(masked.any() for _, masked, _ in seen)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["data"]["track"] is None


def test_another_track_is_refused(make_config, track, tmp_path):
    train(make_config(data={"track": str(track)}, max_steps=2), tmp_path / "r", "", progress=False)
    (tmp_path / "r" / "summary.json").unlink()
    track.write_text(track.read_text() + "two\t0\t1\t5\n")
    with pytest.raises(UserError, match="is not the track"):
        resume(tmp_path / "r", progress=False)
    with pytest.raises(UserError, match="is not the track"):
        held_out_intervals(tmp_path / "r", "valid", "", "")


def test_another_genome_needs_its_own_track(make_config, track, fasta, tmp_path, capsys):
    run = tmp_path / "run"
    train(make_config(data={"track": str(track)}, max_steps=2), run, "", progress=False)
    words = ["evaluate", str(run), "--genome", str(fasta), "--windows", "2", "--quiet"]
    assert main(words) == 2
    assert "with --track" in capsys.readouterr().err
    assert main([*words, "--track", str(track)]) == 0
    assert main(["evaluate", str(run), "--track", str(track)]) == 2
    assert "name that one with --genome" in capsys.readouterr().err


def test_a_track_chunker_needs_a_track(make_config):
    config = make_config(model={"chunker": "track", "patcher": "x"})
    with pytest.raises(UserError, match=r"data\.track is missing"):
        config.check()
    replace(config, data=replace(config.data, track="scores.bw")).check()


@pytest.fixture
def patcher(tmp_path, make_config):
    """What `genomenet calibrate` writes for a track, as far as a run reads it."""
    data = make_config().data
    folder = tmp_path / "patcher"
    folder.mkdir()
    record = {
        "format": 1,
        "kind": "track",
        "rule": {"kind": "threshold", "threshold": 8.0},
        "target": None,
        "max_chunk": 0,
        "reset_bp": 0,
        "alphabet": "dna",
        "model": None,
        "data": {"source": describe_source(open_data(data)[0], data)},
    }
    (folder / "patcher.json").write_text(json.dumps(record))
    return folder


def test_boundaries_fall_where_the_track_is_high(make_config, track, patcher, tmp_path):
    config = make_config(
        data={"track": str(track)},
        model={"chunker": "track", "patcher": str(patcher), "boundary_at_n": False},
        max_steps=2,
    )
    train(config, tmp_path / "run", "", progress=False)
    export(tmp_path / "run", tmp_path / "model")
    shutil.rmtree(tmp_path / "run")
    shutil.rmtree(patcher)
    model = genomenet.load(tmp_path / "model")
    genome, _ = open_data(config.data)
    batch = HeldOutTiles(genome, [Interval("one", 1_000, 1_128)], 128).batch(0, 1)
    inputs = to_model_inputs(batch, "cpu")
    with torch.no_grad():
        mask = model(inputs.tokens, inputs.valid, scores_BL=inputs.scores).boundaries[0].mask
    high = [base % 3 == 0 and base % 97 / 8 > 8 for base in range(1_000, 1_127)]
    assert mask[0].tolist() == [True, *high]
    assert 5 < sum(high) < 60
