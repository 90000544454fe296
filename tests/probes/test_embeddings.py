"""Embeddings: pooled as told, the same for both strands and for any batch, and made once."""

import dataclasses

import numpy as np
import pytest
import torch

from genomenet.errors import UserError
from genomenet.genome.alphabet import BYTES, reverse_complement
from genomenet.models.hidden_layers import hidden_layers
from genomenet.models.hidden_states import HiddenLayer
from genomenet.probes import embedding_cache
from genomenet.probes.embedding_cache import cached_embeddings
from genomenet.probes.embeddings import embed
from genomenet.probes.pooling import pool
from tests.evaluation.subjects import tiny_subject
from tests.probes.tasks import gc_task

KINDS = ["transformer", "hnet mamba2", "blt learned", "k-mers"]


def some_sequences(lengths=(20, 7, 1, 33, 12, 2), seed=0):
    generator = np.random.default_rng(seed)
    return [generator.integers(0, 5, length).astype(np.uint8) for length in lengths]


def test_pooling_against_a_loop():
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(3, 6, 4, generator=generator)
    valid = torch.tensor([[1, 1, 1, 1, 1, 0], [1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]]).bool()
    position = torch.tensor([[0, 2, 3, 7, 8, 1], [0, 9, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
    bases = torch.tensor([8, 9, 3])
    found = pool(HiddenLayer("x", vectors, valid, position), bases)
    for row in range(3):
        places = [s for s in range(6) if valid[row, s] and position[row, s] > 0]
        places = places or [s for s in range(6) if valid[row, s]]
        middle = int(bases[row]) // 2 + 1
        before = [s for s in places if position[row, s] <= middle] or places[:1]
        assert found["mean"][row].numpy() == pytest.approx(
            vectors[row, places].mean(0).numpy(), abs=1e-6
        )
        assert torch.equal(found["last"][row], vectors[row, places[-1]])
        assert torch.equal(found["centre"][row], vectors[row, before[-1]])


def test_vectors_without_places_are_taken_evenly():
    vectors = torch.arange(10.0).view(1, 5, 2)
    found = pool(
        HiddenLayer("x", vectors, torch.tensor([[1, 1, 1, 1, 0]]).bool()), torch.tensor([9])
    )
    assert found["last"][0, 0] == 6
    assert found["centre"][0, 0] == 4
    assert found["mean"][0, 0] == 3


@pytest.mark.parametrize("arm", KINDS)
def test_equals_each_strand_alone_whatever_the_batch(arm):
    sequences = some_sequences()
    together = embed(tiny_subject(arm, batch_size=4, length_bp=40), sequences, layers=0)
    alone = embed(tiny_subject(arm, batch_size=1, length_bp=40), sequences, layers=0)
    assert list(together) == list(alone)
    for name, vectors in together.items():
        assert vectors == pytest.approx(alone[name], abs=1e-5), name
    subject = tiny_subject(arm, length_bp=40)
    codes = sequences[3]
    strands = []
    for one in (codes, reverse_complement(codes)):
        tokens = torch.tensor([[4, *one.tolist()]])
        with torch.no_grad():
            layer = hidden_layers(subject.model, tokens, torch.ones_like(tokens).bool())[-1]
        read = layer.valid[0] & (layer.position[0] > 0)
        strands.append(layer.vectors[0][read].mean(0).numpy())
    assert together["readout, mean"][3] == pytest.approx(sum(strands) / 2, abs=1e-5)


def test_both_strands_have_one_embedding():
    sequences = some_sequences()
    subject = tiny_subject("hnet mamba2", length_bp=40)
    forward = embed(subject, sequences)
    backward = embed(subject, [reverse_complement(codes) for codes in sequences])
    for name, vectors in forward.items():
        assert vectors == pytest.approx(backward[name], abs=1e-6), name


def test_long_sequences_are_cut_to_their_middle():
    subject = tiny_subject("transformer", length_bp=10)
    codes = some_sequences((16,))[0]
    whole, middle = embed(subject, [codes]), embed(subject, [codes[3:13]])
    assert all(np.array_equal(whole[name], middle[name]) for name in whole)
    assert not np.array_equal(
        embed(subject, [codes], max_length=16)["readout, mean"], whole["readout, mean"]
    )


def test_layers_are_spread_evenly():
    subject = tiny_subject("hnet mamba2")
    names = [name.rpartition(",")[0] for name in embed(subject, some_sequences(), layers=3)]
    assert list(dict.fromkeys(names)) == ["encoder 1", "main 1", "readout"]


def test_what_reads_more_than_bases_is_refused():
    subject = tiny_subject("transformer")
    with pytest.raises(UserError, match="reads a score"):
        embed(dataclasses.replace(subject, reads_scores=True), some_sequences())
    with pytest.raises(UserError, match="reads text"):
        embed(dataclasses.replace(subject, alphabet=BYTES), some_sequences())


def test_embeddings_are_made_once(tmp_path, monkeypatch):
    subject, task = tiny_subject("transformer"), gc_task(rows=8)
    first = cached_embeddings(subject, task, tmp_path)

    def must_not(*args):
        raise AssertionError("the model was called again")

    with monkeypatch.context() as patch:
        patch.setattr(embedding_cache, "embed", must_not)
        again = cached_embeddings(subject, task, tmp_path)
        for other in (tiny_subject("transformer", seed=2), tiny_subject("mamba2")):
            with pytest.raises(AssertionError, match="called again"):
                cached_embeddings(other, task, tmp_path)
        with pytest.raises(AssertionError, match="called again"):
            cached_embeddings(subject, gc_task(rows=8, seed=1), tmp_path)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"broken")
    with pytest.raises(UserError, match="delete it"):
        cached_embeddings(subject, task, tmp_path)
