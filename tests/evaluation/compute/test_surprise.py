"""Chunk length against surprise: as SciPy says it, with planted signs and a control."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from genomenet.annotation.region_writer import write_regions
from genomenet.evaluation.blocks import Blocks, lay_blocks
from genomenet.evaluation.compute.surprise import FEWEST, measure_surprise, shuffled
from genomenet.genome.intervals import Interval
from genomenet.windows.held_out import HeldOutTiles
from tests.evaluation.planted_models import planted_subject
from tests.evaluation.subjects import tiny_subject

LENGTH = 64
INTERVALS = [Interval("one", 16, 6000)]


@pytest.fixture
def genome(make_store):
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("ACGT"), 6400))
    return make_store({"one": text[:500] + "NNNNN" + text[500:]})


def tiles_of(genome):
    tiles = HeldOutTiles(genome, INTERVALS, LENGTH)
    return tiles, lay_blocks(tiles, 128)


@pytest.fixture
def track(genome, tmp_path):
    (tmp_path / "g.gtf").write_text(
        'one\tx\tgene\t1001\t4000\t.\t+\t.\tgene_id "g";\n'
        'one\tx\texon\t1001\t2500\t.\t+\t.\tgene_id "g"; transcript_id "t";\n'
        'one\tx\texon\t3501\t4000\t.\t+\t.\tgene_id "g"; transcript_id "t";\n'
    )
    return write_regions(genome, tmp_path / "g.gtf", tmp_path / "r")


def loop(subject, genome, tiles, track):
    """Every whole chunk without N: length, deciding nats, mean nats, class of the first base."""
    rows = []
    for i in range(len(tiles)):
        place = tiles.interval(i)
        codes = genome.read(place.contig, place.start, place.end).astype(int)
        stored = track.read_bytes(place.contig, place.start, place.end) & 31
        with torch.no_grad():
            output = subject.model(torch.tensor([[4, *codes[:-1].tolist()]]))
        log_p = output.logits[0].log_softmax(-1)
        mask = output.boundaries[0].mask[0]
        # Position t has read base t - 1.
        decided = [t - 1 for t in range(1, len(codes)) if mask[t]]
        for a, b in pairwise(decided):
            bases = list(range(a + 1, b + 1))
            if any(codes[k] > 3 for k in (a, *bases)):
                continue
            nats = [-float(log_p[k, codes[k]]) for k in (a, *bases)]
            rows.append((len(bases), nats[0], np.mean(nats[1:]), track.classes[stored[a + 1]]))
    return rows


def test_as_scipy_in_a_loop(genome, track):
    subject = tiny_subject("hnet mamba2", length_bp=LENGTH, batch_size=5)
    tiles, blocks = tiles_of(genome)
    found = {(one.kind, one.what): one for one in measure_surprise(subject, tiles, blocks, track)}
    rows = loop(subject, genome, tiles, track)
    for kind in ("all", *track.classes):
        here = [row for row in rows if kind in ("all", row[3])]
        if len(here) < FEWEST:
            assert (kind, "deciding") not in found
            continue
        for column, what in ((1, "deciding"), (2, "within")):
            one = found[kind, what]
            assert one.chunks == len(here)
            wanted = spearmanr([row[0] for row in here], [row[column] for row in here]).statistic
            assert one.real.centre == pytest.approx(wanted, abs=1e-9)
            assert one.gap.centre == pytest.approx(one.real.centre - one.control.centre)
    assert {"noncoding_exon", "intergenic"} <= {kind for kind, _ in found}


@pytest.mark.parametrize(("cost_4", "sign"), [((3, 0.1, 1, 1), -1), ((0.1, 3, 1, 1), 1)])
def test_planted_surprise_has_its_sign(genome, cost_4, sign):
    found = measure_surprise(planted_subject(cost_4, length_bp=LENGTH), *tiles_of(genome))[0]
    assert found.what == "deciding"
    assert sign * found.real.centre > 0.3
    assert found.gap.excludes_zero
    assert found.gap.centre * sign > 0
    # What is left: windows with more A have shorter chunks and other surprise as a whole.
    assert abs(found.control.centre) < 0.1 * abs(found.real.centre)


def test_boundaries_that_see_nothing_are_rarely_taken_for_signal(genome):
    tiles, blocks = tiles_of(genome)
    taken = {"gap": 0, "control": 0}
    for seed in range(12):
        subject = planted_subject((3, 0.1, 1, 2), seed, LENGTH)
        one = measure_surprise(subject, tiles, blocks)[0]
        for name in taken:
            taken[name] += getattr(one, name).excludes_zero
        assert abs(one.control.centre) < 0.03
    # 95 % intervals: more than three misses of twelve come once in fifty.
    assert max(taken.values()) <= 3, taken


def test_chunks_of_one_length_have_no_correlation(genome, track):
    subject = tiny_subject("fixed grid", length_bp=LENGTH)
    found = measure_surprise(subject, *tiles_of(genome), track)
    assert [(one.kind, one.what) for one in found] == [("all", "deciding"), ("all", "within")]
    assert all(np.isnan(one.real.centre) for one in found)
    assert not any(one.gap.excludes_zero for one in found)


def test_few_blocks_give_no_interval(genome):
    tiles, _ = tiles_of(genome)
    one_block = Blocks(np.zeros(len(tiles), dtype=np.int64), ("one",), 6400)
    found = measure_surprise(planted_subject((3, 0.1, 1, 1), length_bp=LENGTH), tiles, one_block)
    assert np.isinf(found[0].gap.low)
    assert not found[0].gap.excludes_zero


def test_shuffled_lengths_are_the_same_lengths():
    decided = np.array([4, 5, 9, 17, 18])
    moved = shuffled(decided, np.random.default_rng(2))
    assert (moved[0], moved[-1]) == (4, 18)
    assert sorted(np.diff(moved)) == sorted(np.diff(decided))
    assert shuffled(decided[:1], np.random.default_rng(2)).tolist() == [4]
