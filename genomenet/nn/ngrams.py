"""Embeddings of the n-grams that end at every position: exact k-mer tables, or hashed ones."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genomenet.nn.rows import latest, put_rows, take_rows

LETTERS = 4
"""A, C, G and T are tokens 0 to 3; a window with any other token has the last row of its table."""

STANDARD_DEVIATION = 0.02
"""Of fresh tables."""

PRIMES = (
    1000000007, 5915587277, 1500450271, 3267000013, 5754853343, 4093082899, 9576890767,
    3628273133, 2860486313, 5463458053, 3367900313,
)  # fmt: skip
"""One for each hash function, as published."""


def kmer_ids(tokens_BL: Tensor, length: int) -> Tensor:
    """Number of the k-mer that ends at every position: sum of token_{t-j} 4^j, the newest first.

    Parameters
    ----------
    tokens_BL : Tensor of int64
        Codes of bases.
    length : int
        Bases of a k-mer.

    Returns
    -------
    Tensor of int64
        (B, L), below 4^length; 4^length where the window reaches beyond the start of the row or
        holds anything but A, C, G and T.
    """
    known_BL = tokens_BL < LETTERS
    digit_BL = torch.where(known_BL, tokens_BL, LETTERS**length)
    total_BL = digit_BL.clone()
    for back in range(1, length):
        older_BL = F.pad(digit_BL, (back, 0), value=LETTERS**length)[:, : digit_BL.shape[1]]
        total_BL += LETTERS**back * older_BL
    return total_BL.clamp_(max=LETTERS**length)


def hash_ids(tokens_BL: Tensor, length: int, prime: int, rows: int) -> Tensor:
    """Hash of the n-gram that ends at every position, after BLT's published code.

    Sum of w_j prime^j with w_0 the oldest token of the window, in 64-bit integers that wrap
    around, then the remainder that is never negative. (The paper, arXiv:2412.09871 section
    3.2.1, gives the newest token the power 0.) Token 0 stands beyond the start of the row.

    Parameters
    ----------
    tokens_BL : Tensor of int64
        Tokens.
    length : int
        Tokens of an n-gram.
    prime : int
        Base of the polynomial.
    rows : int
        Rows of the table.

    Returns
    -------
    Tensor of int64
        (B, L), below `rows`.
    """
    padded_BL = F.pad(tokens_BL, (length - 1, 0))
    columns = tokens_BL.shape[1]
    total_BL = torch.zeros_like(tokens_BL)
    power = 1
    for oldest in range(length):
        total_BL += power * padded_BL[:, oldest : oldest + columns]
        power = (power * prime + 2**63) % 2**64 - 2**63
    return total_BL.remainder_(rows)


class NGramEmbedding(nn.Module):
    """The sum of the embeddings of all n-grams that end at a position, to be added to its token's.

    All tables lie in one weight, function by function and within it length by length. Source:
    Byte Latent Transformer (arXiv:2412.09871) section 3.2.1 and its published code, which adds
    the tables up and does not divide by their number.

    Parameters
    ----------
    d_model : int
        Width.
    lengths : sequence of int
        n of each table.
    rows : int
        Rows of each hashed table; 0 for exact tables of k-mers of DNA, which know no collision:
        4^n rows, and one for all windows that hold anything but A, C, G and T.
    functions : int
        Hash functions, each with its own tables.
    offset : int
        Added to tokens before they are hashed, so that none is the 0 that stands before a row.
    """

    def __init__(
        self,
        d_model: int,
        lengths: Sequence[int],
        rows: int = 0,
        functions: int = 1,
        offset: int = 0,
    ):
        super().__init__()
        self.lengths = tuple(lengths)
        self.rows = rows
        self.functions = functions if rows else 1
        self.offset = offset
        sizes = [rows or LETTERS**length + 1 for length in self.lengths] * self.functions
        self.starts = [sum(sizes[:i]) for i in range(len(sizes))]
        self.weight = nn.Parameter(torch.empty(sum(sizes), d_model))
        # Small beside a token's embedding: a row that is seldom seen should add little.
        nn.init.normal_(self.weight, std=STANDARD_DEVIATION)

    def ids(self, tokens_BL: Tensor) -> Tensor:
        """Rows (B, L, tables) of the weight that every position sums."""
        if self.rows:
            tokens_BL = tokens_BL + self.offset
            ids = [
                hash_ids(tokens_BL, length, PRIMES[function % len(PRIMES)], self.rows)
                for function in range(self.functions)
                for length in self.lengths
            ]
        else:
            ids = [kmer_ids(tokens_BL, length) for length in self.lengths]
        return torch.stack([i + start for i, start in zip(ids, self.starts, strict=True)], -1)

    def forward(self, tokens_BL: Tensor) -> Tensor:
        """(B, L, D) of tokens; a position sees its own and earlier ones."""
        ids_BLT = self.ids(tokens_BL)
        summed = F.embedding_bag(ids_BLT.flatten(0, 1), self.weight, mode="sum")
        return summed.view(*tokens_BL.shape, -1)

    def new_state(self, batch_size: int, device: torch.device) -> Tensor:
        """The last tokens of `batch_size` empty sequences, (B, longest n - 1)."""
        # Minus the offset, so that it is hashed as the 0 it stands for.
        before = -self.offset if self.rows else LETTERS
        return torch.full((batch_size, max(self.lengths) - 1), before, device=device)

    def step(self, token_R: Tensor, state: Tensor, rows_R: Tensor) -> Tensor:
        """One more token of the rows named; equals `forward` at that position."""
        window_RL = torch.cat([take_rows(state, rows_R), token_R.unsqueeze(1)], 1)
        put_rows(state, rows_R, window_RL[:, 1:])
        return F.embedding_bag(self.ids(window_RL)[:, -1], self.weight, mode="sum")

    def read(self, tokens_BL: Tensor, valid_BL: Tensor, state: Tensor) -> Tensor:
        """Many tokens behind the state; equals a loop of `step` over the valid ones."""
        joined_BT, past = torch.cat([state, tokens_BL], 1), state.shape[1]
        state.copy_(latest(joined_BT, valid_BL.sum(1), past))
        ids_BLT = self.ids(joined_BT)[:, past:]
        summed = F.embedding_bag(ids_BLT.flatten(0, 1), self.weight, mode="sum")
        return summed.view(*tokens_BL.shape, -1)
