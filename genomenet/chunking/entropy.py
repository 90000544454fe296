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
from genomenet.nn.rows import restart_rows


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
        Its `forward(tokens_BL)` returns an object with `logits` (B, L, V); `new_state`,
        `step(tokens_R, state, rows_R)` and `read(tokens_BL, state, valid_BL)` are those of
        `LanguageModel`.
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
            restart_rows(inner, fresh, rows_R[begins_R])
        with torch.autocast(tokens_R.device.type, enabled=False):
            read_R = torch.where(begins_R, start, tokens_R)
            logits_RV = model.step(read_R, inner, rows_R)  # type: ignore[operator]
        return self._without_n(self._entropy(logits_RV), tokens_R, t_R)

    @torch.no_grad()
    def read_values(
        self, positions: Positions, recent_BLK: Tensor, t_BL: Tensor, inner: Any
    ) -> Tensor:
        """The model's entropies, up to the next reset of every row at a time."""
        model, start, tokens_BL = self._frozen[0], self.alphabet.start_code, recent_BLK[..., -1]
        device, length = tokens_BL.device, tokens_BL.shape[1]
        entropy_BL = torch.zeros(tokens_BL.shape, device=device)
        count_B, done_B = positions.valid_BL.sum(1), torch.zeros_like(t_BL[:, 0])
        place_L = torch.arange(length, device=device)
        while (done_B < count_B).any():
            since_B = since_reset(t_BL[:, 0] + done_B, self.reset)
            begins_B = (since_B == 0) & (done_B < count_B)
            if begins_B.any():
                fresh = model.new_state(1, device)  # type: ignore[operator]
                restart_rows(inner, fresh, begins_B.nonzero()[:, 0])
            several_B = count_B - done_B
            if self.reset:
                several_B = several_B.minimum(self.reset - since_B)
            columns = int(several_B.max())
            here_BM = place_L[:columns] < several_B.unsqueeze(1)
            at_BM = (done_B.unsqueeze(1) + place_L[:columns]).clamp_(max=length - 1)
            read_BM = tokens_BL.gather(1, at_BM)
            read_BM[:, 0] = torch.where(begins_B, start, read_BM[:, 0])
            with torch.autocast(device.type, enabled=False):
                logits = model.read(read_BM, inner, here_BM).logits  # type: ignore[operator]
            rows_V, places_V = here_BM.nonzero(as_tuple=True)
            found_V = self._entropy(logits[rows_V, places_V])
            entropy_BL[rows_V, at_BM[rows_V, places_V]] = found_V
            done_B = done_B + several_B
        return self._without_n(entropy_BL, tokens_BL, t_BL)
