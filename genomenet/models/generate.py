"""New bases from a model, one at a time, behind prompts of different lengths."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from genomenet.models.language_model import LanguageModel
from genomenet.models.sampling import Sampling, draw, token_probabilities
from genomenet.models.vocabulary import Codes, Vocabulary, vocabulary_of


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

    Prompts are read base by base too, so rows need not wait for one another: a row begins to
    draw where its prompt ends, and leaves the batch when it is done. Special tokens and N are
    never drawn. Soft mask is known for prompts only: what is drawn counts as unmasked, and an
    external track has no score for any of it.

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
    state = model.new_state(len(rows), device)
    while active := [number for number, row in enumerate(rows) if row.made < length]:
        some = [rows[number] for number in active]
        logits_RV = model.step(
            torch.tensor([row.token for row in some], device=device),
            state,
            torch.tensor(active, device=device),
            masked_R=torch.tensor([row.masked for row in some], device=device),
            scores_R=torch.full((len(some),), torch.nan, device=device),
        )
        done = sum(row.read() for row in some)
        drawing = [place for place, row in enumerate(some) if row.has_read_all]
        if drawing:
            places_S = torch.tensor(drawing, device=device)
            probability_SV = token_probabilities(logits_RV[places_S], sampling, allowed_V)
            numbers = [some[place].next_number() for place in drawing]
            uniform_S = torch.tensor(numbers, dtype=torch.float64, device=device)
            for place, token in zip(drawing, draw(probability_SV, uniform_S).tolist(), strict=True):
                done += some[place].take(token)
        progress(done)
    return Generated(np.stack([row.codes() for row in rows]), state.steps)


class _Row:
    """One sequence of a batch: the tokens that it has, how many are read, and its own chance."""

    def __init__(self, start: Start, length: int, vocabulary: Vocabulary):
        prompt, widths = vocabulary.cut(start.codes)
        self.made = 0
        self._length = length
        self._words = vocabulary.words
        self._tokens = [vocabulary.start, *prompt.tolist()]
        self._widths = [0, *widths.tolist()]
        # Only bases have a mask: what reads tokens of several has no use for it.
        masked = start.masked.tolist() if vocabulary.tokeniser is None else []
        self._masked = [False, *masked]
        self._position = 0
        self._drawn: list[Codes] = []
        self._numbers = np.random.default_rng(start.seed).random(length)

    @property
    def token(self) -> int:
        """The next token to read."""
        return self._tokens[self._position]

    @property
    def masked(self) -> bool:
        """Whether its base is soft-masked."""
        return self._position < len(self._masked) and self._masked[self._position]

    @property
    def has_read_all(self) -> bool:
        """Whether the next token is to be drawn."""
        return self._position == len(self._tokens)

    def read(self) -> int:
        """Go on to the next token; returns the bases of the prompt that this one holds."""
        self._position += 1
        return self._widths[self._position - 1] if self._position <= len(self._widths) else 0

    def next_number(self) -> float:
        """A number from [0, 1) for the next draw."""
        return self._numbers[len(self._drawn)]

    def take(self, token: int) -> int:
        """Append what was drawn; returns how many wanted bases it adds."""
        word = self._words[token][: self._length - self.made]
        self._tokens.append(token)
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
