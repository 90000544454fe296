"""Cut windows of bases into tokens: k-mers on a grid, or words of byte-pair encoding."""

from dataclasses import dataclass
from typing import Protocol

import torch
from tokenizers import Tokenizer
from torch import Tensor

from genomenet.errors import UserError
from genomenet.genome.alphabet import LETTERS, N_CODE, decode
from genomenet.models.config import ModelConfig
from genomenet.models.patcher import TOKENIZER, read_patcher
from genomenet.windows.bpe_training import RUNS

START_TOKEN = 5
"""What stands in front of a window's tokens; ids 0 to 4 are the single bases A, C, G, T and N."""

FIRST_WORD = 6
"""The first id of tokens of several bases."""


@dataclass(frozen=True)
class Cut:
    """Windows cut into tokens, told at the last base of each token.

    Attributes
    ----------
    ends_BL : Tensor of bool
        Whether a base is the last one of its token; False at padding.
    token_BL : Tensor of int64
        Id of the token that ends here; arbitrary where none does.
    """

    ends_BL: Tensor
    token_BL: Tensor


class Tokeniser(Protocol):
    """A rule that cuts bases into tokens; every base is in exactly one."""

    def cut(self, bases_BL: Tensor, valid_BL: Tensor) -> Cut:
        """Cut codes A0 C1 G2 T3 N4, int64; `valid_BL` is False at right padding."""

    def letters(self, token: int) -> str:
        """The bases of a token; none for the start token."""


class KmerTokeniser:
    """Words of k bases on a grid from the window's first base.

    A word with an N in it, and a tail shorter than k, are cut into single bases.

    Parameters
    ----------
    k : int
        Length of a word; 1 leaves only single bases.
    """

    def __init__(self, k: int):
        self.k = k

    def cut(self, bases_BL: Tensor, valid_BL: Tensor) -> Cut:
        """Cut codes of shape (B, L); `valid_BL` is False at right padding."""
        if self.k == 1:
            return Cut(valid_BL, bases_BL)
        rows, length = bases_BL.shape
        words = -(-length // self.k)
        fill = (0, words * self.k - length)
        known_BL = valid_BL & (bases_BL < N_CODE)
        known_BGK = torch.nn.functional.pad(known_BL, fill).view(rows, words, self.k)
        bases_BGK = torch.nn.functional.pad(bases_BL, fill).view(rows, words, self.k)
        powers_K = 4 ** torch.arange(self.k - 1, -1, -1, device=bases_BL.device)
        word_BG = FIRST_WORD + (bases_BGK * powers_K).sum(-1)
        whole_BL = known_BGK.all(-1).repeat_interleave(self.k, 1)[:, :length]
        last_L = torch.arange(length, device=bases_BL.device) % self.k == self.k - 1
        return Cut(
            valid_BL & (~whole_BL | last_L),
            torch.where(whole_BL, word_BG.repeat_interleave(self.k, 1)[:, :length], bases_BL),
        )

    def letters(self, token: int) -> str:
        """The bases of a token; none for the start token."""
        if token < FIRST_WORD:
            return _single(token)
        word = token - FIRST_WORD
        return "".join(LETTERS[word // 4**place % 4] for place in range(self.k - 1, -1, -1))


class BpeTokeniser:
    """Words of byte-pair encoding; runs between N are cut each for itself, N is a token.

    Parameters
    ----------
    tokenizer : Tokenizer
        From `genomenet.windows.bpe_training.train_bpe`.
    """

    def __init__(self, tokenizer: Tokenizer):
        self.tokenizer = tokenizer
        words = sorted((id_, word) for word, id_ in tokenizer.get_vocab().items())
        self._words = [word for _, word in words]
        if self._words[:4] != list(LETTERS[:4]) or not all(map(RUNS.fullmatch, self._words)):
            raise UserError(
                f"{TOKENIZER} does not begin with A, C, G, T, or has other letters; make it with "
                "`genomenet calibrate --kind bpe`"
            )
        ids = torch.arange(len(words))
        self._token = torch.where(ids < 4, ids, ids - 4 + FIRST_WORD)
        self._length = torch.tensor([len(word) for word in self._words])

    @property
    def vocab_size(self) -> int:
        """Rows that a model of these tokens needs."""
        return FIRST_WORD + len(self._words) - 4

    def cut(self, bases_BL: Tensor, valid_BL: Tensor) -> Cut:
        """Cut codes of shape (B, L), on the CPU; `valid_BL` is False at right padding."""
        codes_BL = bases_BL.to("cpu", torch.uint8)
        lengths = valid_BL.sum(1).tolist()
        ends_BL = valid_BL.cpu() & (codes_BL == N_CODE)
        token_BL = codes_BL.long()
        for row, length in enumerate(lengths):
            for run in RUNS.finditer(decode(codes_BL[row, :length].numpy())):
                # One by one: in parallel, tokenizers would forbid itself to be forked later.
                ids = torch.tensor(self.tokenizer.encode(run[0]).ids)
                last = run.start() - 1 + self._length[ids].cumsum(0)
                ends_BL[row, last] = True
                token_BL[row, last] = self._token[ids]
        return Cut(ends_BL.to(bases_BL.device), token_BL.to(bases_BL.device))

    def letters(self, token: int) -> str:
        """The bases of a token; none for the start token."""
        return _single(token) if token < FIRST_WORD else self._words[token - FIRST_WORD + 4]


def _single(token: int) -> str:
    return LETTERS[token] if token < len(LETTERS) else ""


def make_tokeniser(config: ModelConfig) -> Tokeniser:
    """The tokeniser that a config names.

    Raises
    ------
    UserError
        When the patcher is missing or of another kind, or has more tokens than the model.
    """
    if config.tokeniser == "kmer":
        return KmerTokeniser(config.kmer)
    if not config.patcher:
        raise UserError(
            "model.patcher is missing: model.tokeniser bpe needs a folder made by "
            "`genomenet calibrate --kind bpe`"
        )
    patcher = read_patcher(config.patcher)
    if patcher.kind != "bpe":
        raise UserError(
            f"model.tokeniser is bpe, but the patcher {patcher.folder} is of the kind "
            f"{patcher.kind}; name another, made by `genomenet calibrate --kind bpe`"
        )
    try:
        tokeniser = BpeTokeniser(Tokenizer.from_file(str(patcher.folder / TOKENIZER)))
    except Exception as error:  # tokenizers raises nothing more special
        raise UserError(
            f"{patcher.folder / TOKENIZER} is damaged ({error}); calibrate anew"
        ) from None
    if tokeniser.vocab_size > config.vocab_size:
        raise UserError(
            f"model.vocab_size is {config.vocab_size}, but the tokens of {patcher.folder} need "
            f"{tokeniser.vocab_size:,}"
        )
    return tokeniser
