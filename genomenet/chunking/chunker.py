"""The one interface of all chunkers: at every position, ask for a boundary or don't."""

from typing import Any

import torch
from torch import Tensor, nn

from genomenet.chunking.boundaries import Positions


class Chunker(nn.Module):
    """Decides from what stands at a position and before it whether the main network steps.

    A chunker only asks; genomenet/chunking/guards.py turns what it asks into boundaries.
    """

    def forward(self, x_BLD: Tensor, positions: Positions) -> Tensor:
        """Boundary probability of every position.

        Parameters
        ----------
        x_BLD : Tensor
            Encoder output of the stage.
        positions : Positions
            What stands there.

        Returns
        -------
        Tensor
            (B, L), float32 or float64; more than 1/2 asks for a boundary. Rules that know no
            doubt answer 0 or 1.
        """
        raise NotImplementedError

    def new_state(self, batch_size: int, device: torch.device) -> Any:
        """Whatever `step` must remember of a prefix, for `batch_size` empty sequences."""
        raise NotImplementedError

    def step(self, x_RD: Tensor, position: Positions, state: Any, rows_R: Tensor) -> Tensor:
        """One more position of some rows; equals `forward` at that position.

        Parameters
        ----------
        x_RD : Tensor
            Encoder output of the position in each row.
        position : Positions
            Its content, of shape (R, 1).
        state : object
            From `new_state`; the rows named are brought up to date in place.
        rows_R : Tensor of int64
            The rows of the batch that step.

        Returns
        -------
        Tensor
            (R,) boundary probabilities.
        """
        raise NotImplementedError

    def read(self, x_BLD: Tensor, positions: Positions, state: Any) -> Tensor:
        """Many positions behind the state; equals a loop of `step` over the valid ones.

        Parameters
        ----------
        x_BLD : Tensor
            Encoder output of the next positions of every row, right-padded.
        positions : Positions
            What stands there.
        state : object
            From `new_state`; brought up to date in place, each row to its last valid position.

        Returns
        -------
        Tensor
            (B, L) boundary probabilities, arbitrary at padding.
        """
        raise NotImplementedError
