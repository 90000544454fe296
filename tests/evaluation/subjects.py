"""Subjects of tests: tiny models as evaluations want them."""

from contextlib import nullcontext

import torch

from genomenet.evaluation.subject import Subject
from genomenet.genome.alphabet import ALPHABETS
from genomenet.models.flops import flops_per_base
from genomenet.models.tokenised import make_language_model
from tests.models.arms import ARMS


def subject_of(model, batch_size: int = 3, length_bp: int = 64, name: str = "m") -> Subject:
    """A model of ours that has never been in a run."""
    config = model.config
    return Subject(
        name=name,
        arm=name,
        seed=0,
        model=model.eval(),
        alphabet=ALPHABETS[config.alphabet],
        length_bp=length_bp,
        batch_size=batch_size,
        parameters=sum(p.numel() for p in model.parameters()),
        precision=nullcontext,
        flops=lambda length, rates: flops_per_base(config, length, rates).total,
        stages=config.compressions,
    )


def tiny_subject(arm: str, seed: int = 1, **of_subject) -> Subject:
    """One of `tests.models.arms.ARMS`, in float64."""
    torch.manual_seed(seed)
    return subject_of(make_language_model(ARMS[arm]).double(), name=arm, **of_subject)
