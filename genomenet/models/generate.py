"""New bases from a model, one at a time, behind prompts of different lengths."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from genomenet.models.language_model import (
    LanguageModel,
    LanguageModelOutput,
    LanguageModelState,
)
from genomenet.models.reading import logits_behind, read_long
from genomenet.models.sampling import Sampling, draw, token_probabilities
from genomenet.models.vocabulary import Codes, Vocabulary, vocabulary_of
from genomenet.nn.rows import copy_rows

SEGMENT = 1024
"""Positions of prompts that are read at a time: prompts of any length take little memory."""


@dataclass(frozen=True)
class Start:
    """Where one sequence begins: what it follows, and its own source of chance.

    Attributes
    ----------
    codes : ndarray of uint8, shape (P,)
        The prompt; may be empty.
    masked : ndarray of bool, shape (P,)
        Which of its bases are soft-masked, for chunkers that read that.
    seed : tuple of int
        Decides over all draws of this sequence, whatever else is in the batch.
    """

    codes: Codes
    masked: npt.NDArray[np.bool_]
    seed: tuple[int, ...]


@dataclass(frozen=True)
class Generated:
    """What a batch gave.

    Attributes
    ----------
    codes : ndarray of uint8, shape (B, length)
        The new bases of each sequence, without its prompt.
    steps : tuple of int
        Positions that each stage went through, outermost first; the last is the main network's.
    """

    codes: Codes
    steps: tuple[int, ...]


@torch.inference_mode()
def generate(
    model: LanguageModel,
    starts: Sequence[Start],
    length: int,
    sampling: Sampling,
    progress: Callable[[int], object] = lambda bases: None,
) -> Generated:
    """Continue every start by `length` bases.

    Prompts are read many positions at a time, rows of any lengths together, and each once,
    however many rows continue it; then every row draws base by base, and leaves the batch when
    it is done. Special tokens and N are never drawn. Soft mask is known for prompts only: what
    is drawn counts as unmasked, and an external track has no score for any of it.

    Parameters
    ----------
    model : LanguageModel
        On its device; put into evaluation mode here.
    starts : sequence of Start
        The rows of one batch.
    length : int
        New bases a row.
    sampling : Sampling
        How they are drawn.
    progress : callable, optional
        Called with the number of bases just read or drawn.
    """
    model.eval()
    device = next(model.parameters()).device
    vocabulary = vocabulary_of(model)
    allowed_V = torch.tensor([len(word) > 0 for word in vocabulary.words], device=device)
    rows = [_Row(start, length, vocabulary) for start in starts]
    logits_RV, state = _read_prompts(model, rows, progress)
    active = list(range(len(rows)))
    while True:
        probability_RV = token_probabilities(logits_RV, sampling, allowed_V)
        numbers = [rows[number].next_number() for number in active]
        uniform_R = torch.tensor(numbers, dtype=torch.float64, device=device)
        tokens = draw(probability_RV, uniform_R).tolist()
        progress(sum(rows[row].take(token) for row, token in zip(active, tokens, strict=True)))
        active = [number for number in active if rows[number].made < length]
        if not active:
            return Generated(np.stack([row.codes() for row in rows]), state.steps)
        tokens_R = torch.tensor([rows[number].last for number in active], device=device)
        logits_RV = model.step(
            tokens_R,
            state,
            torch.tensor(active, device=device),
            masked_R=torch.zeros_like(tokens_R, dtype=torch.bool),
            scores_R=torch.full((len(active),), torch.nan, device=device),
        )


def _read_prompts(
    model: LanguageModel, rows: Sequence["_Row"], progress: Callable[[int], object]
) -> tuple[Tensor, LanguageModelState]:
    """Read start symbols and prompts; returns the logits (R, V) behind each, and the state."""
    device = next(model.parameters()).device
    places: dict[tuple[tuple[int, ...], tuple[bool, ...]], int] = {}
    prompt_R = [places.setdefault(row.prompt, len(places)) for row in rows]
    row_of = dict(zip(prompt_R, rows, strict=True))
    prompts = [row_of[number] for number in range(len(places))]
    length_B = torch.tensor([len(row.tokens) for row in prompts])
    shape = (len(prompts), int(length_B.max()))
    tokens_BL = torch.zeros(shape, dtype=torch.int64)
    masked_BL = torch.zeros(shape, dtype=torch.bool)
    widths_BL = torch.zeros(shape, dtype=torch.int64)
    for number, row in enumerate(prompts):
        end = len(row.tokens)
        tokens_BL[number, :end] = torch.tensor(row.tokens)
        masked_BL[number, : len(row.masked)] = torch.tensor(row.masked)
        widths_BL[number, :end] = torch.tensor(row.widths)
    valid_BL = torch.arange(shape[1]) < length_B.unsqueeze(1)
    state = model.new_state(len(prompts), device)
    outputs = read_long(
        model,
        tokens_BL.to(device),
        SEGMENT,
        valid_BL.to(device),
        masked_BL=masked_BL.to(device),
        scores_BL=torch.full(shape, torch.nan, device=device),
        state=state,
    )

    def told() -> Iterator[LanguageModelOutput]:
        bases_BL = widths_BL * torch.tensor(prompt_R).bincount().unsqueeze(1)
        for output, bases in zip(outputs, bases_BL.split(SEGMENT, 1), strict=True):
            progress(int(bases.sum()))
            yield output

    rows_R = torch.tensor(prompt_R, device=device)
    return logits_behind(told(), length_B)[rows_R], copy_rows(state, rows_R)


class _Row:
    """One sequence of a batch: its prompt, what it has drawn, and its own chance."""

    def __init__(self, start: Start, length: int, vocabulary: Vocabulary):
        prompt, widths = vocabulary.cut(start.codes)
        self.made = 0
        self.tokens = [vocabulary.start, *prompt.tolist()]
        self.widths = [0, *widths.tolist()]
        # Only bases have a mask: what reads tokens of several has no use for it.
        self.masked = [False, *(start.masked.tolist() if vocabulary.tokeniser is None else [])]
        self.last = self.tokens[-1]
        self._length = length
        self._words = vocabulary.words
        self._drawn: list[Codes] = []
        self._numbers = np.random.default_rng(start.seed).random(length)

    @property
    def prompt(self) -> tuple[tuple[int, ...], tuple[bool, ...]]:
        """All that reading it depends on."""
        return tuple(self.tokens), tuple(self.masked)

    def next_number(self) -> float:
        """A number from [0, 1) for the next draw."""
        return self._numbers[len(self._drawn)]

    def take(self, token: int) -> int:
        """Append what was drawn; returns how many wanted bases it adds."""
        word = self._words[token][: self._length - self.made]
        self.last = token
        self._drawn.append(word)
        self.made += len(word)
        return len(word)

    def codes(self) -> Codes:
        """The bases drawn."""
        return np.concatenate(self._drawn)


def weights_digest(model: LanguageModel) -> str:
    """SHA-256 over names and values of all weights: which weights made a sequence."""
    hasher = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        hasher.update(name.encode())
        hasher.update(value.detach().cpu().contiguous().numpy().tobytes())
    return hasher.hexdigest()
