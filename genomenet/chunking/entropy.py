"""Boundaries by the entropy of a frozen language model, as BLT places its patches."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.recent import base_tokens
from genomenet.chunking.rules import BoundaryRule
from genomenet.chunking.valued import ValuedChunker, since_reset
from genomenet.genome.alphabet import DNA, Alphabet


class EntropyChunker(ValuedChunker):
    """BLT's rule on the next-token entropies of a model that is not trained along.

    The value of a position is the entropy, in nats and float32, of what the model expects next:
    over A, C, G and T for DNA, over all bytes for text. At an N it is 0: a run of N asks for
    nothing. Every row is read on its own. The model belongs to no parameters, no state dict and
    no optimiser of what it is a part of; it only moves along between devices. Source: BLT
    (arXiv 2412.09871) sections 2.3 and 4.2.

    Parameters
    ----------
    rule : BoundaryRule
        When to ask.
    model : Module
        Its `forward(tokens_BL)` returns an object with `logits` (B, L, V); `new_state` and
        `step(tokens_R, state, rows_R)` are those of `LanguageModel`.
    alphabet : Alphabet
        What the tokens are.
    reset : int
        Each multiple of so many positions, the start symbol takes the place of the token there
        and the model begins anew, against the drift of entropies within repeats; 0 never.
    """

    def __init__(
        self, rule: BoundaryRule, model: nn.Module, alphabet: Alphabet = DNA, reset: int = 0
    ):
        super().__init__(rule, reset)
        self.alphabet = alphabet
        # Within a tuple the model is no submodule.
        self._frozen = (model.eval().requires_grad_(False),)

    def _apply(self, fn: Any, recurse: bool = True) -> "EntropyChunker":
        # To another device, but not to another dtype: calibrated thresholds lie too close to the
        # entropies of most positions.
        weight = next(self._frozen[0].parameters())
        self._frozen[0].to(fn(weight.new_empty(0)).device)
        return super()._apply(fn, recurse)

    @torch.no_grad()
    def values(self, positions: Positions) -> Tensor:
        """Entropies of all positions, in one pass; segments between resets are rows of it."""
        tokens_BL = base_tokens(positions.tokens_BL, "entropy")
        rows, length = tokens_BL.shape
        segment = min(self.reset or length, length)
        padding = -length % segment
        segments_GT = F.pad(tokens_BL, (0, padding), value=self.alphabet.start_code)
        segments_GT = segments_GT.reshape(-1, segment).clone()
        segments_GT[:, 0] = self.alphabet.start_code
        with torch.autocast(tokens_BL.device.type, enabled=False):
            logits = self._frozen[0](segments_GT).logits
        entropy_BL = self._entropy(logits).reshape(rows, -1)[:, :length]
        position_L = torch.arange(length, device=tokens_BL.device)
        return self._without_n(entropy_BL, tokens_BL, position_L)

    def _entropy(self, logits: Tensor) -> Tensor:
        """Logits (..., V) to (...), over what can be a target."""
        log_p = F.log_softmax(logits[..., : self.alphabet.scored_codes].float(), dim=-1)
        return -(log_p.exp() * log_p).sum(-1)

    def _without_n(self, entropy: Tensor, tokens: Tensor, position: Tensor) -> Tensor:
        if self.alphabet.scored_codes > self.alphabet.start_code:
            return entropy
        in_n = (tokens == self.alphabet.start_code) & (since_reset(position, self.reset) > 0)
        return torch.where(in_n, 0.0, entropy)

    def new_values(self, batch_size: int, device: torch.device) -> Any:
        """The model's state."""
        return self._frozen[0].new_state(batch_size, device)  # type: ignore[operator]

    @torch.no_grad()
    def step_values(
        self, position: Positions, recent_RK: Tensor, t_R: Tensor, inner: Any, rows_R: Tensor
    ) -> Tensor:
        """The model's entropy, one token on."""
        model, start = self._frozen[0], self.alphabet.start_code
        tokens_R = recent_RK[:, -1]
        begins_R = since_reset(t_R, self.reset) == 0
        if begins_R.any():
            fresh = model.new_state(1, tokens_R.device)  # type: ignore[operator]
            _restart(inner, fresh, rows_R[begins_R])
        with torch.autocast(tokens_R.device.type, enabled=False):
            read_R = torch.where(begins_R, start, tokens_R)
            logits_RV = model.step(read_R, inner, rows_R)  # type: ignore[operator]
        return self._without_n(self._entropy(logits_RV), tokens_R, t_R)


def _restart(state: Any, fresh: Any, rows_R: Tensor) -> None:
    """Make some rows of a state those of an empty sequence, whatever the state is made of.

    What an empty sequence has not yet, nothing reads before it is written: keys (None), or room
    for a long chunk (the state has grown, and keeps what it holds).
    """
    if isinstance(fresh, Tensor):
        if state.shape[1:] == fresh.shape[1:]:
            state[rows_R] = fresh
    elif isinstance(fresh, list | tuple):
        for part, fresh_part in zip(state, fresh, strict=True):
            _restart(part, fresh_part, rows_R)
    elif hasattr(fresh, "__dict__"):
        for name, fresh_part in vars(fresh).items():
            _restart(getattr(state, name), fresh_part, rows_R)
