"""Robustness against a plain loop: sums, shares, intervals, pairing, and what is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.evaluation.resampling import ResampledWindows
from genomenet.evaluation.robustness.findings import RobustnessFindings
from genomenet.evaluation.robustness.noisy_windows import (
    Scorer,
    conditions_of,
    model_scorer,
    score_noise,
)
from genomenet.evaluation.robustness.perturbations import DNA_PERTURBATIONS
from genomenet.evaluation.robustness.shares import NoiseShares
from genomenet.evaluation.sequences import score_sequences
from genomenet.evaluation.trivial_scorers import CompositionScorer, MarkovScorer
from genomenet.genome.alphabet import DNA
from genomenet.genome.genome import whole_contigs
from genomenet.genome.markov import distributions, fit
from genomenet.genome.store import GenomeStore
from genomenet.windows.held_out import HeldOutTiles
from tests.evaluation.subjects import tiny_subject


@pytest.fixture(scope="module")
def tiles(request):
    genome = GenomeStore(request.getfixturevalue("genome_folder"))
    return HeldOutTiles(genome, whole_contigs(genome), 100, limit=9)


@pytest.fixture(scope="module")
def markov(tiles):
    intervals = whole_contigs(tiles.genome)
    return MarkovScorer(fit(tiles.genome, intervals, intervals[:1], 6))


def test_equals_a_loop_over_windows_and_conditions(tiles, markov, monkeypatch):
    monkeypatch.setattr(
        "genomenet.evaluation.robustness.noisy_windows.BLOCK_BP", 200
    )  # several blocks
    tiles = HeldOutTiles(tiles.genome, whole_contigs(tiles.genome), 100, limit=3)
    subject = tiny_subject("spacebyte", batch_size=2, length_bp=100)
    conditions = conditions_of(DNA, [0.05, 0.2])
    scorers = [model_scorer(subject), Scorer("markov", markov, control=True)]
    sums = score_noise(scorers, tiles, conditions, seed=4)
    assert len(conditions) == 2 * 6 + 2
    genome = tiles.genome
    for window in range(len(tiles)):
        place = tiles.interval(window)
        codes = genome.read(place.contig, place.start, place.end)
        mask = genome.read_mask(place.contig, place.start, place.end)
        (clean,) = score_sequences(subject, [codes], [mask])
        assert sums.clean_nats[0, window] == pytest.approx(clean.nats.sum())
        assert sums.clean_bases[window] == (codes < 4).sum()
        for c, condition in enumerate(conditions):
            edited = condition.edit(codes, mask, 4, window)
            assert edited.codes.size <= codes.size
            (noisy,) = score_sequences(subject, [edited.codes], [edited.masked])
            kept = [i for i, o in enumerate(edited.origin) if o >= 0 and edited.codes[i] < 4]
            assert sums.own_nats[0, c, window] == pytest.approx(noisy.nats.sum())
            assert sums.own_bases[c, window] == (edited.codes < 4).sum()
            assert sums.kept_bases[c, window] == len(kept)
            assert sums.kept_nats[0, c, window] == pytest.approx(sum(noisy.nats[i] for i in kept))
            assert sums.kept_clean_nats[0, c, window] == pytest.approx(
                sum(clean.nats[edited.origin[i]] for i in kept)
            )
            assert sums.own_nats[1, c, window] == pytest.approx(markov([edited.codes])[0].sum())


def test_shares(tiles, markov):
    sums = score_noise([Scorer("markov", markov)], tiles, conditions_of(DNA, [0.1]))
    shares = NoiseShares(sums)
    assert shares.learned == [0]
    uniform = math.log(4)
    gain = uniform - sums.clean_nats.sum() / sums.clean_bases.sum()
    names = [one.perturbation.name for one in sums.conditions]
    c = names.index("substitution")
    own = (uniform - sums.own_nats[0, c].sum() / sums.own_bases[c].sum()) / gain
    found = shares.share(0, c, "all")
    assert found.centre == pytest.approx(own)
    assert found.low < own < found.high < 1
    bases = sums.kept_bases[c].sum()
    kept = uniform - sums.kept_nats[0, c].sum() / bases
    kept /= uniform - sums.kept_clean_nats[0, c].sum() / bases
    assert shares.share(0, c, "kept").centre == pytest.approx(kept)
    assert own < kept < 1
    assert shares.share(0, names.index("case flip"), "all").centre == pytest.approx(1)
    assert shares.kinds("all") == [one.name for one in DNA_PERTURBATIONS]
    assert shares.kinds("kept") == shares.kinds("all")[:-1]
    mean = np.mean([shares.share(0, c, "all").centre for c in range(len(names))])
    assert shares.score(0, "all").centre == pytest.approx(mean)
    same = shares.score_difference(0, 0, "kept")
    assert (same.centre, same.low, same.high) == (0, 0, 0)


def test_resampling_covers_and_pairs():
    rng = np.random.default_rng(0)
    x = rng.normal(3, 1, 400)
    windows = ResampledWindows(np.stack([x, x + 1, np.ones(400)], 1))
    mean = windows.estimate(lambda s: s[..., 0] / s[..., 2])
    error = x.std() / 20
    assert mean.centre == pytest.approx(x.mean())
    assert mean.high - mean.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    paired = windows.estimate(lambda s: (s[..., 1] - s[..., 0]) / s[..., 2])
    assert (paired.low, paired.high) == (pytest.approx(1), pytest.approx(1))
    one = ResampledWindows(np.ones((1, 3))).estimate(lambda s: s[..., 0])
    assert (one.low, one.high) == (-math.inf, math.inf)


def test_edits_do_not_depend_on_what_else_is_scored(tiles):
    codes, mask = np.zeros(300, dtype=np.uint8), np.zeros(300, dtype=bool)
    few, many = conditions_of(DNA, [0.1]), conditions_of(DNA, [0.02, 0.1])
    for one in few:
        other = next(x for x in many if (x.perturbation, x.rate) == (one.perturbation, one.rate))
        first, second = (x.edit(codes, mask, 1, 7) for x in (one, other))
        assert (first.codes == second.codes).all()
        assert (first.masked == second.masked).all()
    substituted = [few[0].edit(codes, mask, seed, 7).codes for seed in (1, 2)]
    assert (substituted[0] != substituted[1]).any()


def test_findings_of_a_model_that_learned_nothing_give_no_share(tiles, markov):
    subject = tiny_subject("transformer", batch_size=4, length_bp=100)
    scorers = [model_scorer(subject), Scorer("order-6 Markov", markov, control=True)]
    sums = score_noise(scorers, tiles, conditions_of(DNA, [0.1]))
    found = RobustnessFindings(sums, "base").findings("now", "c", "v", {}, ["a note"])
    summary = {row[0]: row for row in found.table("summary").rows}
    assert summary["transformer"][3] is None
    assert 0 < summary["order-6 Markov"][3] < 1
    assert [column.name for column in found.table("share-all").columns][2:] == ["order-6 Markov"]
    assert any("No share is given of transformer" in one for one in found.sentences)
    assert found.notes[-1] == "a note"
    assert found.table("differences").rows == ()


def test_models_stand_beside_their_isotropic_baseline(tiles, markov, make_config):
    intervals = whole_contigs(tiles.genome)
    short = MarkovScorer(fit(tiles.genome, intervals, intervals[:1], 5))
    subject = tiny_subject("transformer")
    layouts = {"hnet": "t1 + T1 + t1", "flat": "T1", "flat again": "T1", "mamba": "m1"}
    scorers = [
        Scorer(
            name,
            markov if name == "hnet" else short,
            replace(
                subject,
                name=name,
                arm=name,
                seed=int(name in {"hnet", "flat again"}),
                config=make_config(model={"layout": layout}),
            ),
        )
        for name, layout in layouts.items()
    ]
    foreign = replace(subject, name="peer", arm="peer", comparable=False, note="of elsewhere")
    scorers.append(Scorer("peer", markov, foreign))
    sums = score_noise(scorers, tiles, conditions_of(DNA, [0.1]))
    shares = NoiseShares(sums)
    assert shares.pairs == {0: 2}  # of the same mixer and seed
    found = RobustnessFindings(sums, "base").findings("now", "c", "v", {}, [])
    rows = found.table("differences").rows
    assert {row[:2] for row in rows} == {("hnet", "flat again")}
    n = next(row for row in rows if row[2] == "N")
    c = [one.perturbation.name for one in sums.conditions].index("N")
    parts = [shares.share(s, c, "kept").centre for s in (0, 2)]
    assert n[5] == pytest.approx(100 * (parts[0] - parts[1]))
    assert n[6][0] <= n[5] <= n[6][1] < 0  # longer contexts are spoilt more often
    said = " ".join(found.sentences)
    assert "On unedited bases hnet keeps less than its isotropic baseline flat again" in said
    assert "less under substitution, deletion, insertion" in said
    assert "peer keeps most" not in said
    assert "peer: of elsewhere" in found.notes


def test_trivial_scorers(markov, tiles):
    codes = np.array([0, 1, 4, 2, 3, 3, 0], dtype=np.uint8)
    (nats,) = markov([codes])
    *_, p = distributions(codes, markov._model)
    assert nats == pytest.approx([-math.log(p[i, b]) if b < 4 else 0 for i, b in enumerate(codes)])
    counts = np.arange(256)
    (nats,) = CompositionScorer(counts)([np.array([3, 255], dtype=np.uint8)])
    total = counts.sum() + 256
    assert nats == pytest.approx([-math.log(4 / total), -math.log(256 / total)])


@pytest.mark.parametrize("rates", [[0.0], [1.0], [0.1, 0.1], [], [-0.1]])
def test_wrong_rates(rates):
    with pytest.raises(UserError, match="--rates"):
        conditions_of(DNA, rates)
