"""Models of tests that cost and chunk by a rule, so that what is measured of them is known."""

from dataclasses import replace

import torch
from torch import nn

from genomenet.chunking.boundaries import Boundaries
from genomenet.models.nats import Scores
from tests.evaluation.subjects import tiny_subject

A, C = 0, 1


class Planted(nn.Module):
    """Every base costs what its letter costs; chunks behind an A hold one base, others more.

    Parameters
    ----------
    cost_4 : list of float
        Nats of A, C, G and T.
    blind : int, optional
        Let boundaries fall at random, by this seed, whatever the bases are.
    """

    def __init__(self, cost_4, blind=None):
        super().__init__()
        self.cost_4 = nn.Parameter(torch.tensor(cost_4, dtype=torch.float64))
        self.blind = blind

    def score(self, tokens_BL, targets_BL, valid_BL, masked_BL=None, scores_BL=None):
        nats_BL = self.cost_4[targets_BL.clamp(min=0)].masked_fill(targets_BL < 0, 0)
        before_BL = torch.nn.functional.pad(tokens_BL[:, :-1], (1, 0), value=4)
        mask_BL = (tokens_BL == A) | (before_BL == A) | (tokens_BL == C)
        if self.blind is not None:
            draws = torch.rand(mask_BL.shape, generator=torch.Generator().manual_seed(self.blind))
            mask_BL = draws < 0.4
        mask_BL[:, 0] = True
        mask_BL = mask_BL & valid_BL
        return Scores(nats_BL, (Boundaries(mask_BL.double(), mask_BL, valid_BL),))


def planted_subject(cost_4, blind=None, length_bp=64):
    """A `Subject` around it, of one stage."""
    subject = tiny_subject("hnet mamba2", length_bp=length_bp, batch_size=1000)
    return replace(subject, model=Planted(cost_4, blind))
