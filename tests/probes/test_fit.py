"""Probes find what is planted, and nothing where nothing is; test rows have no part in choices."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef, r2_score

from genomenet.probes.fit import draw_rows, fit_probe
from genomenet.probes.scores import _bootstrap, score
from genomenet.probes.task import Example, make_task
from genomenet.probes.trivial import gc_and_length, kmer_counts
from tests.probes.tasks import gc_task


def planted(task, noise=0.5, seed=0):
    """Features of two layers: one that tells the labels, one that doesn't."""
    generator = np.random.default_rng(seed)
    shape = (len(task.labels), 4)
    return {
        "noise, mean": generator.normal(size=shape).astype(np.float32),
        "signal, mean": (task.labels[:, None] + noise * generator.normal(size=shape)).astype(
            np.float32
        ),
    }


def probed(task, features, shots=0, seeds=3):
    return [fit_probe(task, features, draw_rows(task, shots, seed), seed) for seed in range(seeds)]


def test_a_planted_signal_is_found_and_its_layer_chosen():
    task = gc_task()
    fitted = probed(task, planted(task))
    assert {one.chosen for one in fitted} == {"signal, mean"}
    assert {one.warnings for one in fitted} == {0}
    found = score(task, [one.predictions for one in fitted]).sure
    assert found.centre > 0.8
    assert found.excludes_zero


def test_shuffled_labels_give_nothing():
    task = gc_task(rows=400, shuffled=True)
    features = {"k-mers": kmer_counts(task.sequences)}
    found = score(task, [one.predictions for one in probed(task, features)]).sure
    assert abs(found.centre) < 0.2
    assert found.over_rows[0] < 0 < found.over_rows[1]
    assert not found.excludes_zero


def test_floors_solve_a_task_of_gc():
    task = gc_task()
    for features in (gc_and_length(task.sequences), kmer_counts(task.sequences)):
        fitted = probed(task, {"floor": features}, seeds=2)
        assert score(task, [one.predictions for one in fitted]).sure.centre > 0.9


def test_labels_of_test_rows_have_no_part_in_anything():
    task = gc_task()
    labels = task.labels.copy()
    labels[task.test] = 1 - labels[task.test]
    other = dataclasses.replace(task, labels=labels)
    one, two = (probed(t, planted(task), seeds=1)[0] for t in (task, other))
    assert one.predictions.tolist() == two.predictions.tolist()
    assert (one.chosen, one.strength) == (two.chosen, two.strength)


def test_few_shots_draw_so_many_of_each_class():
    task = gc_task()
    rows = draw_rows(task, 5, seed=0)
    assert np.bincount(task.labels[rows]).tolist() == [5, 5]
    assert set(rows) <= set(task.train)
    assert rows.tolist() == draw_rows(task, 5, seed=0).tolist()
    assert rows.tolist() != draw_rows(task, 5, seed=1).tolist()
    assert draw_rows(task, 31, seed=0) is None
    assert draw_rows(task, 0, seed=0).tolist() == task.train.tolist()


def test_numbers_are_fitted_by_a_ridge():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(90, 3)).astype(np.float32)
    y = x @ [1.0, -2.0, 0.5] + 0.1 * generator.normal(size=90)
    examples = [
        Example(np.zeros(4, np.uint8), repr(float(value)), "train" if row < 60 else "test")
        for row, value in enumerate(y)
    ]
    task = make_task("numbers", examples, "numbers.csv")
    found = score(task, [one.predictions for one in probed(task, {"x": x})])
    assert found.sure.centre > 0.95
    assert found.spearman > 0.95
    assert found.accuracy is None


def test_the_bootstrap_scores_each_sample_as_scikit_learn_does():
    generator = np.random.default_rng(0)
    truth, found = generator.integers(0, 3, 40), generator.integers(0, 3, 40)
    numbers = generator.normal(size=40)
    times = np.random.default_rng(0).multinomial(40, np.full(40, 1 / 40), size=1000)
    mcc, r2 = _bootstrap(truth, found, 3), _bootstrap(numbers, found.astype(float), 0)
    for sample in range(0, 1000, 100):
        rows = np.repeat(np.arange(40), times[sample])
        assert mcc[sample] == pytest.approx(matthews_corrcoef(truth[rows], found[rows]))
        assert r2[sample] == pytest.approx(r2_score(numbers[rows], found[rows]))


def test_differences_are_paired():
    task = gc_task()
    truth = task.labels[task.test]
    worse = truth.copy()
    worse[:6] = 1 - worse[:6]
    one, two = score(task, [truth, truth]), score(task, [worse, truth])
    gap = one.minus(two)
    assert gap.centre == pytest.approx(one.sure.centre - two.sure.centre)
    assert gap.over_rows[0] > 0
    assert gap.over_seeds[0] < 0 < gap.over_seeds[1]
    assert not gap.excludes_zero
    assert one.minus(one).over_rows == (0, 0)


def test_kmers_against_a_loop():
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 5, 60).astype(np.uint8)
    expected = np.zeros(64)
    for first in range(58):
        word = codes[first : first + 3]
        if (word < 4).all():
            expected[int(word[0]) * 16 + int(word[1]) * 4 + int(word[2])] += 1
    assert kmer_counts([codes, codes[:2]], 3).tolist() == [expected.tolist(), [0] * 64]
    assert gc_and_length([np.array([1, 2, 0, 4], np.uint8), np.array([4], np.uint8)])[
        :, 0
    ].tolist() == pytest.approx([2 / 3, 0.5])
