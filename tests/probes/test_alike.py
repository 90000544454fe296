"""Sequences that begin alike: found, read once as far as they do, and embedded as if whole."""

import numpy as np
import pytest

from genomenet.genome.alphabet import reverse_complement
from genomenet.models.language_model import LanguageModel
from genomenet.probes import embeddings
from genomenet.probes.alike import find_alike
from genomenet.probes.embeddings import embed
from tests.evaluation.subjects import tiny_subject
from tests.models.arms import ARMS

GROWING = [arm for arm in ARMS if tiny_subject(arm).resumes and arm != "track"]


def alleles(length=30, seed=0):
    """Two sites with alleles that differ late or early, a duplicate, a prefix, and strangers."""
    generator = np.random.default_rng(seed)
    draw = lambda count: generator.integers(0, 4, count).astype(np.uint8)  # noqa: E731
    first, second = draw(length), draw(length)
    late, early, middle = first.copy(), second.copy(), second.copy()
    late[length - 4] ^= 1
    early[2] ^= 1
    middle[length // 2 + 1] ^= 2
    longer = np.concatenate([first[: length - 2], draw(6)])
    return [first, draw(9), second, late, early, first.copy(), draw(1), longer, middle, first[:20]]


def test_groups_share_much_of_their_longest_sequence():
    sequences = alleles()
    found = {frozenset(group.rows): group.shared for group in find_alike(sequences)}
    assert found == {frozenset({0, 3, 5, 7, 9}): 20, frozenset({2, 8}): 16}
    for group in find_alike(sequences):
        heads = {sequences[row][: group.shared].tobytes() for row in group.rows}
        assert len(heads) == 1
        assert all(
            codes is sequences[row] for row, codes in zip(group.rows, group.codes, strict=True)
        )
    turned = find_alike([reverse_complement(codes) for codes in sequences])
    found = {frozenset(group.rows): group.shared for group in turned}
    assert found == {frozenset({0, 5}): 30, frozenset({2, 4, 8}): 13}


def test_strangers_are_in_no_group():
    assert find_alike([]) == []
    assert find_alike([np.array([1, 2], np.uint8), np.array([2, 2], np.uint8)]) == []
    # The shorter one is a part of the other, but a small one.
    assert find_alike([np.array([1, 2], np.uint8), np.array([1, 2, 0, 3, 1, 1], np.uint8)]) == []


@pytest.mark.parametrize("batch_size", [1, 3, 64])
@pytest.mark.parametrize("arm", GROWING)
def test_equals_whole_sequences(arm, batch_size, monkeypatch):
    sequences = alleles()
    subject = tiny_subject(arm, batch_size=batch_size, length_bp=40)
    told = []
    found = embed(subject, sequences, layers=0, progress=told.append)
    assert sum(told) == len(sequences)
    monkeypatch.setattr(embeddings, "find_alike", lambda sequences: [])
    whole = embed(subject, sequences, layers=0)
    assert list(found) == list(whole)
    for name, vectors in found.items():
        assert vectors == pytest.approx(whole[name], abs=1e-5), name


def test_what_is_shared_is_read_once(monkeypatch):
    sequences = alleles()
    subject = tiny_subject("mamba2", batch_size=64, length_bp=40)
    bases = {"forward": 0, "read": 0}

    def count(kind, inner):
        def counted(self, tokens, *others, **more):
            valid = more.get("valid_BL", others[-1])
            bases[kind] += int(valid.sum())
            return inner(self, tokens, *others, **more)

        return counted

    for kind in bases:
        monkeypatch.setattr(LanguageModel, kind, count(kind, getattr(LanguageModel, kind)))
    embed(subject, sequences)
    tails = sum(len(sequences[row]) for row in (0, 3, 5, 7, 9)) - 5 * 20 + 2 * (30 - 16)
    turned = 3 * (30 - 13)
    heads = (1 + 20) + (1 + 16) + (1 + 30) + (1 + 13)
    assert bases["read"] == heads + tails + turned
    layers = [layer for _, layer in subject.model.named_modules() if "read" in vars(layer)]
    assert layers == []
