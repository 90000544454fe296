"""Boundaries by an external score."""

import pytest
import torch

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.rules import BoundaryRule
from genomenet.chunking.score_track import ScoreTrackChunker
from genomenet.errors import UserError


def test_high_scores_ask_and_missing_ones_never():
    scores = torch.tensor([[torch.nan, 0.2, 0.9, torch.nan, 0.5, 0.500001]])
    tokens = torch.zeros(1, 6, dtype=torch.int64)
    where = Positions(torch.ones(1, 6, dtype=torch.bool), tokens, None, scores)
    p = ScoreTrackChunker(BoundaryRule("threshold", 0.5))(torch.zeros(1, 6, 1), where)
    assert p.tolist() == [[1, 0, 1, 0, 0, 1]]


def test_bases_without_scores_are_refused():
    tokens = torch.zeros(1, 6, dtype=torch.int64)
    where = Positions(torch.ones(1, 6, dtype=torch.bool), tokens)
    with pytest.raises(UserError, match="reads a score for every base"):
        ScoreTrackChunker(BoundaryRule("threshold", 0.5))(torch.zeros(1, 6, 1), where)
