"""Curves over thresholds: sums by window, FLOPs, and a grid that spans chunk lengths."""

import numpy as np
import pytest
import torch

from genomenet.evaluation.blocks import lay_blocks
from genomenet.evaluation.compute.curve import (
    FACTORS,
    threshold_grid,
    trace_curve,
    trained_threshold,
)
from genomenet.evaluation.compute.threshold import chunking_stages, moved_threshold, recorded_levels
from genomenet.evaluation.held_out import HeldOut
from genomenet.evaluation.likelihood.record import held_out_likelihood
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.intervals import Interval
from tests.evaluation.subjects import tiny_subject
from tests.models.arms import some_tokens

LENGTH = 48
INTERVALS = [Interval("one", 20, 3000), Interval("two", 3, 1111)]


@pytest.fixture
def held_out(make_store):
    rng = np.random.default_rng(0)
    texts = {name: "".join(rng.choice(list("ACGT"), 3200)) for name in ("one", "two")}
    texts["one"] = texts["one"][:600] + "NNNNNNN" + texts["one"][600:]
    genome = make_store(texts)
    names = ContigNames(genome.contigs, "genome")
    return HeldOut(genome, names, INTERVALS, "test split", LENGTH, 20, None)


def subject_of(arm):
    return tiny_subject(arm, length_bp=LENGTH, batch_size=7)


@pytest.mark.parametrize("arm", ["without cosine", "hnet transformer", "markov", "blt learned"])
def test_the_trained_point_is_what_evaluate_says(held_out, arm):
    subject, tiles = subject_of(arm), held_out.tiles()
    likelihood = held_out_likelihood(subject, tiles, "final")
    grid = threshold_grid(subject, held_out)
    curve = trace_curve(subject, tiles, lay_blocks(tiles), grid)
    assert curve.as_trained.threshold == trained_threshold(subject)
    assert curve.as_trained.nats_per_base == pytest.approx(likelihood.nats, rel=1e-12)
    assert curve.as_trained.nats_W.tolist() == list(likelihood.window_nats)
    assert curve.as_trained.bases_per_chunk == likelihood.bases_per_chunk[0]
    # Attention grows with the square of the chunks, and shorter windows have less of it.
    close = 1e-9 if arm == "without cosine" else 0.02
    assert curve.as_trained.flops_per_base == pytest.approx(likelihood.flops_per_base, rel=close)


def test_sums_of_windows_equal_a_loop(held_out):
    subject, tiles = subject_of("hnet transformer"), held_out.tiles()
    trained = trained_threshold(subject)
    curve = trace_curve(subject, tiles, lay_blocks(tiles), [0.45])
    assert [point.threshold for point in curve.points] == [0.45, trained]
    for point in curve.points:
        for i in range(len(tiles)):
            place = tiles.interval(i)
            codes = held_out.genome.read(place.contig, place.start, place.end).astype(int)
            tokens = torch.tensor([[4, *codes[:-1].tolist()]])
            with torch.no_grad(), moved_threshold(subject.model, point.threshold):
                output = subject.model(tokens)
            log_p = output.logits[0].log_softmax(-1)
            scored = [k for k, code in enumerate(codes) if code < 4]
            nats = -sum(float(log_p[k, codes[k]]) for k in scored)
            chunks = int(output.boundaries[0].mask.sum())
            assert point.nats_W[i] == pytest.approx(nats, abs=1e-9)
            assert (point.scored_W[i], point.read_W[i]) == (len(scored), len(codes))
            assert point.chunks_W[i] == chunks
            flops = len(codes) * subject.flops(len(codes), [len(codes) / chunks])
            assert point.flops_W[i] == pytest.approx(flops, rel=1e-12)


@pytest.mark.parametrize(
    "arm", ["hnet mamba2", "without cosine", "markov", "blt markov", "entropy", "guarded"]
)
def test_higher_thresholds_never_give_more_chunks(held_out, arm):
    subject, tiles = subject_of(arm), held_out.tiles()
    curve = trace_curve(subject, tiles, lay_blocks(tiles), threshold_grid(subject, held_out))
    chunks = np.stack([point.chunks_W for point in curve.points])
    assert (np.diff(chunks, axis=0) <= 0).all()
    assert chunks[0].sum() > chunks[-1].sum()
    flops = [point.flops_per_base for point in curve.points]
    assert flops == sorted(flops, reverse=True)
    with torch.no_grad():
        subject.model(some_tokens(1, 9))
    assert trained_threshold(subject) == curve.as_trained.threshold


def test_the_grid_asks_as_often_as_wanted(held_out):
    subject = subject_of("hnet transformer")
    grid = threshold_grid(subject, held_out)
    assert trained_threshold(subject) in grid
    stage, tiles = chunking_stages(subject.model)[0], held_out.tiles()
    with recorded_levels(stage) as kept:
        held_out_likelihood(subject, tiles, "final")
    level = torch.cat(kept).numpy()
    asking = (level > trained_threshold(subject)).sum()
    wanted = {min(round(asking / factor), level.size - 1) for factor in FACTORS}
    others = [one for one in grid if one != trained_threshold(subject)]
    assert {int((level > one).sum()) for one in others} == wanted
    # Off again: a later pass adds nothing.
    held_out_likelihood(subject, tiles, "final")
    assert sum(len(one) for one in kept) == level.size


@pytest.mark.parametrize("arm", ["transformer", "fixed grid", "random", "k-mers"])
def test_models_without_a_threshold_are_single_points(held_out, arm):
    subject, tiles = subject_of(arm), held_out.tiles()
    curve = trace_curve(subject, tiles, lay_blocks(tiles), [0.1, 0.2])
    assert not curve.moves
    assert len(curve.points) == 1
    assert np.isnan(curve.as_trained.bases_per_chunk) == (arm == "transformer")
    assert curve.as_trained.flops_per_base > 0
