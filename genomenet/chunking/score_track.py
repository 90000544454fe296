"""Boundaries where an external score, such as conservation, is high."""

from typing import Any

from torch import Tensor

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.valued import ValuedChunker
from genomenet.errors import UserError


class ScoreTrackChunker(ValuedChunker):
    """A boundary where the score of the base that a position reads passes the threshold.

    A base without a score never asks. The score is data from outside: it may itself have been
    computed from bases that lie ahead, or from other genomes, so a model with this chunker is
    a model given the track.
    """

    def values(self, positions: Positions) -> Tensor:
        """The scores."""
        return _scores(positions)

    def step_values(
        self, position: Positions, recent_RK: Tensor, t_R: Tensor, inner: Any, rows_R: Tensor
    ) -> Tensor:
        """The scores."""
        return _scores(position)[:, 0]

    def read_values(
        self, positions: Positions, recent_BLK: Tensor, t_BL: Tensor, inner: Any
    ) -> Tensor:
        """The scores."""
        return _scores(positions)


def _scores(positions: Positions) -> Tensor:
    if positions.scores_BL is None:
        raise UserError(
            "the chunker track reads a score for every base, and there are none here; give them "
            "along with the bases"
        )
    return positions.scores_BL
