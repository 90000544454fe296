"""Scores of sequences in memory: what a model says of each alone, whatever the batch."""

import dataclasses

import numpy as np
import pytest
import torch

from genomenet.errors import UserError
from genomenet.evaluation.sequences import score_sequences
from tests.evaluation.subjects import tiny_subject

HIERARCHIES = ["hnet mamba2", "hnet two stages", "blt learned", "soft mask, n", "random"]


def sequences(lengths, seed=0):
    generator = np.random.default_rng(seed)
    codes = [generator.integers(0, 5, length).astype(np.uint8) for length in lengths]
    return codes, [generator.random(length) < 0.3 for length in lengths]


@pytest.mark.parametrize("arm", ["transformer", "k-mers", *HIERARCHIES])
def test_equals_each_sequence_alone(arm):
    subject = tiny_subject(arm, batch_size=4, length_bp=20)
    codes, masks = sequences([20, 7, 1, 33, 12, 50, 2])
    found = score_sequences(subject, codes, masks)
    for one, mask, score in zip(codes, masks, found, strict=True):
        targets = torch.from_numpy(one.astype(np.int64))[None]
        tokens = torch.full_like(targets, 4)
        tokens[:, 1:] = targets[:, :-1]
        masked = torch.zeros_like(tokens, dtype=torch.bool)
        masked[:, 1:] = torch.from_numpy(mask)[None, :-1]
        with torch.no_grad():
            alone = subject.model.score(
                tokens,
                targets.masked_fill(targets == 4, -1),
                torch.ones_like(masked),
                masked_BL=masked,
            )
        assert score.nats == pytest.approx(alone.nats_BL[0].numpy(), abs=1e-9)
        assert (score.nats[one == 4] == 0).all()


@pytest.mark.parametrize("arm", HIERARCHIES)
def test_boundaries_lie_at_the_base_that_was_read(arm):
    subject = tiny_subject(arm, batch_size=3, length_bp=20)
    codes, masks = sequences([20, 9, 31, 1])
    plain = score_sequences(subject, codes, masks)
    found = score_sequences(subject, codes, masks, with_boundaries=True)
    for one, mask, before, score in zip(codes, masks, plain, found, strict=True):
        assert score.nats == pytest.approx(before.nats, abs=1e-9)
        assert len(score.boundaries) == subject.stages
        tokens = torch.tensor([[4, *one.tolist()]])
        masked = torch.tensor([[False, *mask.tolist()]])
        with torch.no_grad():
            stages = subject.model(tokens, masked_BL=masked).boundaries
        places = list(range(len(one) + 1))
        for decided, stage in zip(score.boundaries, stages, strict=True):
            stepped = [p for p, here in zip(places, stage.mask[0].tolist(), strict=False) if here]
            assert np.flatnonzero(decided.boundary).tolist() == [p - 1 for p in stepped if p]
            known = np.flatnonzero(~np.isnan(decided.probability)).tolist()
            assert known == [p - 1 for p in places if p]
            places = stepped


def test_a_model_that_reads_scores_is_refused():
    subject = dataclasses.replace(tiny_subject("track"), reads_scores=True)
    with pytest.raises(UserError, match="reads a score for every base"):
        score_sequences(subject, *sequences([5]))
