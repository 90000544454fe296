"""Boundaries of a byte-pair vocabulary, placed without looking ahead."""

from collections.abc import Sequence

import torch
from torch import Tensor

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.chunker import Chunker
from genomenet.chunking.recent import base_tokens
from genomenet.genome.alphabet import LETTERS, N_CODE
from genomenet.nn.rows import latest

_IN_N = 0
_SYMBOLS = N_CODE + 1


def transitions(words: Sequence[str]) -> tuple[list[list[int]], list[list[bool]]]:
    """What a base does to a chunk that so far reads as a prefix of some words.

    Parameters
    ----------
    words : sequence of str
        Over A, C, G, T.

    Returns
    -------
    list of list of int
        Next node, for every node and every symbol A, C, G, T, N. Node 0 stands for N; the
        others for the prefixes of the words, single bases always among them.
    list of list of bool
        Whether a chunk begins with that symbol.
    """
    bases = LETTERS[:N_CODE]
    prefixes = {word[:end] for word in (*bases, *words) for end in range(1, len(word) + 1)}
    nodes = {prefix: number for number, prefix in enumerate(sorted(prefixes), start=_IN_N + 1)}
    following, begins = [[nodes[base] for base in bases] + [_IN_N]], [[True] * 4 + [False]]
    for prefix in nodes:
        longer = [nodes.get(prefix + base) for base in bases]
        fresh = [nodes[base] for base in bases]
        following.append([a or b for a, b in zip(longer, fresh, strict=True)] + [_IN_N])
        begins.append([node is None for node in longer] + [True])
    return following, begins


class BpeChunker(Chunker):
    """Chunks grow as long as they are the beginning of some word of a vocabulary.

    Byte-pair encoding itself decides by bases that lie ahead: whether a token ends here can
    depend on what follows, so its boundaries would tell a model its own targets. Here a chunk
    goes on while chunk and next base are a prefix of a word, else the base begins a new one:
    the same vocabulary, read greedily from left to right. A run of N is one chunk. Source of
    the vocabulary: Sennrich et al. (arXiv 1508.07909).

    Parameters
    ----------
    words : sequence of str
        The vocabulary, over A, C, G, T.
    """

    def __init__(self, words: Sequence[str]):
        super().__init__()
        following, begins = transitions(words)
        self.first_X: Tensor
        self.begins_X: Tensor
        # Flat, and a node is the place of its first symbol, which saves a product a position.
        first_X = torch.tensor(following).flatten() * _SYMBOLS
        self.register_buffer("first_X", first_X, persistent=False)
        self.register_buffer("begins_X", torch.tensor(begins).flatten(), persistent=False)

    def forward(self, x_BLD: Tensor, positions: Positions) -> Tensor:
        """Walk down the prefixes, all rows at once, one position after the other."""
        return self.read(x_BLD, positions, self.new_state(len(x_BLD), x_BLD.device))

    def read(self, x_BLD: Tensor, positions: Positions, state: Tensor) -> Tensor:
        """Walk on from where each row is."""
        symbols_BL = base_tokens(positions.tokens_BL, "BPE").clamp(max=N_CODE)
        node_B, places = state.clone(), []
        for symbol_B in symbols_BL.T.contiguous().unbind(0):
            place_B = node_B + symbol_B
            places.append(place_B)
            node_B = self.first_X[place_B]
        place_BL = torch.stack(places, dim=1)
        joined_BT = torch.cat([state.unsqueeze(1), self.first_X[place_BL]], 1)
        state.copy_(latest(joined_BT, positions.valid_BL.sum(1), 1)[:, 0])
        return self.begins_X[place_BL].to(torch.promote_types(x_BLD.dtype, torch.float32))

    def new_state(self, batch_size: int, device: torch.device) -> Tensor:
        """Remember the prefix that the open chunk is, (B,)."""
        return torch.full((batch_size,), _IN_N, dtype=torch.int64, device=device)

    def step(self, x_RD: Tensor, position: Positions, state: Tensor, rows_R: Tensor) -> Tensor:
        """One base further."""
        symbol_R = base_tokens(position.tokens_BL, "BPE")[:, 0].clamp(max=N_CODE)
        place_R = state[rows_R] + symbol_R
        state[rows_R] = self.first_X[place_R]
        return self.begins_X[place_R].to(torch.promote_types(x_RD.dtype, torch.float32))
