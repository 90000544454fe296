"""When a value that is known at every position, such as an entropy, asks for a boundary."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from genomenet.chunking.noise import WORD, hash_recent, uniform

RuleName = Literal["threshold", "difference", "both"]


@dataclass(frozen=True)
class BoundaryRule:
    """BLT's rules for when a position asks for a boundary.

    Position t asks, in BLT's words a patch starts at t + 1, when

    - threshold: ``H[t] > threshold``;
    - difference: ``H[t] - H[t-1] > threshold``, or t is 1;
    - both: ``H[t] > threshold`` and ``H[t] - H[t-1] > rise``, or t is 1.

    Position 0 always asks. Comparisons are strict and nan never asks. Source: BLT (arXiv
    2412.09871) section 2.3; that t = 1 asks under the last two rules is from the published code.

    Attributes
    ----------
    kind : {"threshold", "difference", "both"}
        The rule.
    threshold : float
        Compared with the value, or with its difference to the value before.
    rise : float
        Least difference under "both".
    tie_share : float
        Share of the positions whose value is exactly at the threshold that ask as well. Which,
        is decided by a hash of the last 16 tokens, so it depends on nothing else. 0 is BLT's
        rule; values that take few levels need more to meet a target.
    parity : bool
        Follow the published code where it departs from its paper: under "both", position 2
        never asks, for the code excludes positions whose predecessor has been marked while
        only position 1 is.
    """

    kind: RuleName
    threshold: float
    rise: float = 0.0
    tie_share: float = 0.0
    parity: bool = False

    def level(self, value: Tensor, before: Tensor) -> Tensor:
        """What is compared with the threshold."""
        return value - before if self.kind == "difference" else value

    def asks(self, value: Tensor, before: Tensor, position: Tensor, word: Tensor) -> Tensor:
        """Decide positions one by one; all tensors have or broadcast to one shape.

        Parameters
        ----------
        value, before : Tensor
            H at the position and at the one before it.
        position : Tensor of int64
            Counted from the start of the sequence.
        word : Tensor of int64
            `hash_recent` of the position's last tokens.
        """
        level = self.level(value, before)
        asked = level > self.threshold
        if self.tie_share > 0:
            asked = asked | ((level == self.threshold) & (uniform(word, 0) < self.tie_share))
        if self.kind == "both":
            asked = asked & (value - before > self.rise)
            if self.parity:
                asked = asked & (position != 2)
        if self.kind != "threshold":
            asked = asked | (position == 1)
        return asked | (position == 0)

    def decide(self, value_BL: Tensor, recent_BLK: Tensor) -> Tensor:
        """Decide whole sequences.

        Parameters
        ----------
        value_BL : Tensor
            H, float32.
        recent_BLK : Tensor of int64
            The last tokens of every position, at least `WORD` of them.

        Returns
        -------
        Tensor of bool
            (B, L).
        """
        position_L = torch.arange(value_BL.shape[1], device=value_BL.device)
        before_BL = F.pad(value_BL[:, :-1], (1, 0))
        return self.asks(value_BL, before_BL, position_L, self.word(recent_BLK))

    def word(self, recent_K: Tensor) -> Tensor:
        """The hash that breaks ties; not computed where there is none to break."""
        if self.tie_share > 0:
            return hash_recent(recent_K[..., -WORD:])
        return torch.zeros((), dtype=torch.int64, device=recent_K.device)
