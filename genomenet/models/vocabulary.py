"""What the tokens of a model stand for, as generation needs to know it."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from genomenet.genome.alphabet import ALPHABETS, encode
from genomenet.models.language_model import LanguageModel
from genomenet.models.tokenised import TokenisedLanguageModel
from genomenet.models.tokeniser import (
    FIRST_WORD,
    START_TOKEN,
    BpeTokeniser,
    KmerTokeniser,
    Tokeniser,
)

Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Vocabulary:
    """Tokens of a model.

    Attributes
    ----------
    start : int
        What stands in front of a sequence.
    words : tuple of ndarray
        The bases (or the byte) that each token adds to a sequence; empty for those that are
        never drawn.
    tokeniser : Tokeniser, optional
        What cuts prompts; without one every base is its own token.
    """

    start: int
    words: tuple[Codes, ...]
    tokeniser: Tokeniser | None = field(default=None, repr=False)

    def cut(self, codes: Codes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The tokens of a prompt, and how many bases each holds.

        Parameters
        ----------
        codes : ndarray of uint8, shape (P,)
            A prompt of the model's alphabet.
        """
        if self.tokeniser is None:
            return codes.astype(np.int64), np.ones(len(codes), np.int64)
        bases_1L = torch.from_numpy(codes.astype(np.int64)).unsqueeze(0)
        cut = self.tokeniser.cut(bases_1L, torch.ones_like(bases_1L, dtype=torch.bool))
        last = np.flatnonzero(cut.ends_BL[0].numpy())
        return cut.token_BL[0].numpy()[last], np.diff(last, prepend=-1)


def vocabulary_of(model: LanguageModel) -> Vocabulary:
    """The tokens of a model: bases or bytes, or what its tokeniser makes of bases.

    N and special tokens are never drawn. Neither are single bases by a model of k-mers, for it
    has met them beside N and at the end of windows only.
    """
    none = np.zeros(0, np.uint8)
    if not isinstance(model, TokenisedLanguageModel):
        alphabet = ALPHABETS[model.config.alphabet]
        drawn = [np.array([code], np.uint8) for code in range(alphabet.scored_codes)]
        rest = model.config.vocab_size - alphabet.scored_codes
        return Vocabulary(alphabet.start_code, (*drawn, *[none] * rest))
    tokeniser = model.tokeniser
    of_kmers = isinstance(tokeniser, KmerTokeniser) and tokeniser.k > 1
    words = {} if of_kmers else {token: encode(tokeniser.letters(token)) for token in range(4)}
    words |= {
        token: encode(tokeniser.letters(token)) for token in range(FIRST_WORD, _tokens(tokeniser))
    }
    words_V = tuple(words.get(token, none) for token in range(model.config.vocab_size))
    return Vocabulary(START_TOKEN, words_V, tokeniser)


def _tokens(tokeniser: Tokeniser) -> int:
    """How many tokens a tokeniser knows; a model may have more rows."""
    if isinstance(tokeniser, KmerTokeniser):
        return FIRST_WORD + (4**tokeniser.k if tokeniser.k > 1 else 0)
    assert isinstance(tokeniser, BpeTokeniser)
    return tokeniser.vocab_size
