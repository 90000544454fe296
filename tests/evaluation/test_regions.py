"""Likelihood by class of base: equal to a loop over single bases."""

import dataclasses
import math

import pytest
import torch

from genomenet.evaluation.likelihood.record import held_out_likelihood
from genomenet.evaluation.results import RegionLikelihood
from genomenet.genome.intervals import Interval
from genomenet.models.language_model import LanguageModel
from genomenet.windows.held_out import HeldOutTiles
from tests.evaluation.subjects import subject_of
from tests.models.arms import ARMS

LENGTH = 48


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    return LanguageModel(ARMS["hnet mamba2"]).double()


INTERVALS = [Interval("a", 20, 300), Interval("b", 3, 111)]


def score(model, genome, track, batch_size):
    tiles = HeldOutTiles(genome, INTERVALS, LENGTH)
    subject = subject_of(model, batch_size, LENGTH)
    return held_out_likelihood(subject, tiles, "final", regions=track)


def test_equals_a_loop_over_bases(model, genome, track):
    sums = {name: [0.0, 0, 0.0, 0] for name in track.classes}
    for interval in INTERVALS:
        for start in range(interval.start, interval.end, LENGTH):
            end = min(start + LENGTH, interval.end)
            codes = genome.read(interval.contig, start, end).tolist()
            with torch.no_grad():
                logits = model(torch.tensor([[4, *codes[:-1]]])).logits[0]
            log_p = logits.log_softmax(-1)
            names = [track.classes[c] for c in track.read(interval.contig, start, end)]
            repeats = track.read_repeat(interval.contig, start, end).tolist()
            for i, (base, name, repeat) in enumerate(zip(codes, names, repeats, strict=True)):
                if base < 4:
                    nats = -float(log_p[i, base])
                    sums[name][0] += nats
                    sums[name][1] += 1
                    sums[name][2] += nats * repeat
                    sums[name][3] += repeat
    found = score(model, genome, track, 3)
    assert [one.name for one in found.regions] == list(track.classes)
    for one in found.regions:
        nats, bases, repeat_nats, repeat_bases = sums[one.name]
        assert (one.bases, one.repeat_bases) == (bases, repeat_bases)
        assert one.nats == pytest.approx(nats, rel=1e-9)
        assert one.repeat_nats == pytest.approx(repeat_nats, rel=1e-9)
    assert sum(one.bases > 0 for one in found.regions) >= 5
    assert 0 < sum(one.repeat_bases for one in found.regions) < found.bases


def test_sums_over_classes_are_the_total(model, genome, track):
    found = score(model, genome, track, 2)
    assert sum(one.bases for one in found.regions) == found.bases
    assert math.fsum(one.nats for one in found.regions) == pytest.approx(
        math.fsum(found.window_nats), rel=1e-12
    )


def test_batch_size_changes_nothing(model, genome, track):
    few, many = (score(model, genome, track, size).regions for size in (1, 16))
    assert [one.nats for one in few] == pytest.approx([one.nats for one in many], rel=1e-9)
    assert [one.bases for one in few] == [one.bases for one in many]


def test_without_a_track_there_are_none(model, genome):
    assert score(model, genome, None, 4).regions == ()


def test_regions_that_contradict_the_total(model, genome, track):
    found = score(model, genome, track, 4)
    with pytest.raises(ValueError, match="the regions don't hold"):
        dataclasses.replace(found, regions=(RegionLikelihood("x", 1.0, 1, 0.0, 0),))
