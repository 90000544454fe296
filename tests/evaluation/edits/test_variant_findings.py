"""A planted model through the whole pipeline; classes, splits, peers, and numbers by hand."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from genomenet.evaluation.edits.ranking import spearman
from genomenet.evaluation.edits.variant_findings import variant_findings
from genomenet.evaluation.edits.variants import Scorer, score_variants
from genomenet.evaluation.edits.variants_file import VariantColumns, read_variants
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.intervals import Interval
from genomenet.models.nats import Scores
from tests.evaluation.subjects import tiny_subject

LETTERS = "".join("ACGT"[i] for i in np.random.default_rng(3).integers(4, size=40_000))


class Planted:
    """A base of A or T costs 2 nats and one of C or G costs 1, whatever stands before it."""

    def parameters(self):
        return iter([torch.empty(0)])

    def score(self, tokens_BL, targets_BL, valid_BL, **unread):
        costs = torch.tensor([2.0, 1.0, 1.0, 2.0, 0.0], dtype=torch.float64)
        return Scores(costs[targets_BL.clamp(min=-1)] * (targets_BL >= 0), ())


def planted(name="planted", **told):
    return replace(tiny_subject("transformer"), name=name, model=Planted(), **told)


@pytest.fixture(scope="module")
def rows():
    """Harmful: C or G becomes A or T. Harmless: the other way."""
    generator = np.random.default_rng(5)
    found = []
    for i in sorted(generator.choice(np.arange(100, 39_900), size=160, replace=False)):
        ref = LETTERS[i]
        alt = str(generator.choice(list("AT" if ref in "CG" else "CG")))
        found.append((int(i), ref, alt, int(ref in "CG"), ("coding", "intron")[int(i) % 2]))
    return found


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch):
    monkeypatch.setattr("genomenet.evaluation.edits.variants.BLOCK_BP", 2500)


def findings(tmp_path, make_store, rows, models=None, training=()):
    genome = make_store({"chr1": LETTERS})
    path = tmp_path / "v.tsv"
    lines = [
        f"1\t{i + 1}\t{ref}\t{alt}\t{label}\t{-label}\t{group}"
        for i, ref, alt, label, group in rows
    ]
    path.write_text("\n".join(["chrom\tpos\tref\talt\tlabel\teffect\tclass", *lines]) + "\n")
    stream = read_variants(
        path, genome, ContigNames(genome.contigs), VariantColumns("label", "effect", "class"),
        Counter(),
    )  # fmt: skip
    models = models or [(planted(), "model"), (tiny_subject("transformer"), "untrained")]
    scorer = Scorer(genome, tuple(one for one, _ in models), training=training)
    scores = score_variants(stream, scorer)
    return scores, variant_findings(scores, models, {}, (), "", "", "")


def test_a_planted_model_is_found(tmp_path, make_store, rows):
    scores, found = findings(tmp_path, make_store, rows)
    assert np.array(scores.both("planted")).tolist() == [-1.0 if row[3] else 1.0 for row in rows]
    labels = {row[0]: row for row in found.table("labels").rows}
    _, kind, n, auc, _, macro, _, ap, *_ = labels["planted"]
    assert (kind, n, auc, macro, ap) == ("model", 160, 1.0, 1.0, 1.0)
    centre, (low, high) = labels["random"][3:5]
    assert low < centre < high
    truth = np.array([row[3] for row in rows])
    assert centre == pytest.approx(roc_auc_score(truth, scores.trivial["random"]))
    assert labels["random"][7] == pytest.approx(
        average_precision_score(truth, scores.trivial["random"])
    )
    parts = {(row[0], row[1]): row for row in found.table("label_classes").rows}
    for group in ("coding", "intron"):
        at = [i for i, row in enumerate(rows) if row[4] == group]
        random = np.array(scores.trivial["random"])[at]
        assert parts[group, "random"][3:6:2] == (
            len(at),
            pytest.approx(roc_auc_score(truth[at], random)),
        )
        assert parts[group, "random"][4] == truth[at].sum()
        assert parts[group, "planted"][5] == 1.0
    mean = (parts["coding", "random"][5] + parts["intron", "random"][5]) / 2
    assert labels["random"][5] == pytest.approx(mean)
    measured = {row[0]: row for row in found.table("measured").rows}
    assert measured["planted"][3] == pytest.approx(-1.0)
    at = [i for i, row in enumerate(rows) if row[4] == "coding"]
    by_class = {(row[0], row[1]): row for row in found.table("measured_classes").rows}
    assert by_class["coding", "random"][4] == pytest.approx(
        spearman(-truth[at].astype(float), np.array(scores.trivial["random"])[at])
    )
    assert "planted beats the best trivial score" in found.sentences[0]
    assert any("labels lie in 16 stretches" in note for note in found.notes)


def test_shuffled_labels_are_chance(tmp_path, make_store, rows):
    labels = np.random.default_rng(0).permutation([row[3] for row in rows])
    shuffled = [(*row[:3], int(label), row[4]) for row, label in zip(rows, labels, strict=True)]
    _, found = findings(tmp_path, make_store, shuffled)
    auc = {row[0]: row[3] for row in found.table("labels").rows}["planted"]
    assert 0.4 < auc < 0.6


def test_peers_that_are_not_comparable_are_not_ranked(tmp_path, make_store, rows):
    models = [(planted(), "model"), (planted("peer", comparable=False), "model")]
    _, found = findings(tmp_path, make_store, rows, models)
    assert [row[:2] for row in found.table("labels").rows][1] == (
        "peer (not comparable)", "not comparable",
    )  # fmt: skip
    assert not any(one.startswith("peer") for one in found.sentences)
    assert not any(series.label.startswith("peer") for series in found.charts[0].series)


def test_the_training_split_is_scored_apart(tmp_path, make_store, rows):
    training = (Interval("chr1", 0, 20_000),)
    scores, found = findings(tmp_path, make_store, rows, training=training)
    assert list(scores.trained) == [float(row[0] < 20_000) for row in rows]
    counts = {row[0]: row[3] for row in found.table("label_splits").rows}
    inside = sum(row[0] < 20_000 for row in rows)
    assert counts == {"in the training split": inside, "outside of it": len(rows) - inside}


def test_no_interval_from_one_stretch(tmp_path, make_store, rows, monkeypatch):
    monkeypatch.setattr("genomenet.evaluation.edits.variants.BLOCK_BP", 1_000_000)
    _, found = findings(tmp_path, make_store, rows)
    assert np.isnan(found.table("labels").rows[0][4]).all()
    assert "can't be told from" in found.sentences[0]
