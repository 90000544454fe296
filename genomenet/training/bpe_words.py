"""A vocabulary of byte-pair encoding whose causal chunks have a wanted mean length."""

import json
from collections.abc import Sequence
from itertools import takewhile

import torch
from tokenizers import Tokenizer

from genomenet.chunking.boundaries import Boundaries, Positions
from genomenet.chunking.bpe import BpeChunker
from genomenet.chunking.guards import Guards, apply_guards
from genomenet.errors import UserError
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval
from genomenet.models.tokeniser import BpeTokeniser
from genomenet.windows.bpe_training import LETTERS, train_bpe

SIZES = (1_024, 8_192, 65_536)
"""Vocabularies tried, until one has chunks longer than wanted."""


def bpe_boundaries(words: Sequence[str], positions: Positions, guards: Guards) -> Boundaries:
    """The causal boundaries of a vocabulary."""
    x_BLD = torch.zeros(*positions.valid_BL.shape, 0)
    return apply_guards(BpeChunker(words)(x_BLD, positions), positions, guards)


def bases_per_token(tokenizer: str, positions: Positions) -> float:
    """Mean length of the tokens that byte-pair encoding itself cuts, which looks ahead.

    Parameters
    ----------
    tokenizer : str
        The tokenizer as JSON text.
    positions : Positions
        Windows as a model reads them.
    """
    assert positions.tokens_BL is not None, "windows have tokens"
    valid_BL = positions.valid_BL[:, 1:]
    cut = BpeTokeniser(Tokenizer.from_str(tokenizer)).cut(positions.tokens_BL[:, 1:], valid_BL)
    return (valid_BL.sum() / cut.ends_BL.sum()).item()


def vocabulary(tokenizer: str) -> list[str]:
    """The words of a tokenizer's JSON text, in the order in which they were learnt."""
    vocab = json.loads(tokenizer)["model"]["vocab"]
    return sorted(vocab, key=vocab.__getitem__)


def shortened(tokenizer: str, size: int) -> str:
    """The JSON text of the tokenizer with only its first words.

    Byte-pair encoding learns merge after merge, so what is left is what training with the
    smaller size would have given.
    """
    content = json.loads(tokenizer)
    words = set(vocabulary(tokenizer)[:size])
    model = content["model"]
    model["vocab"] = {word: place for word, place in model["vocab"].items() if word in words}
    model["merges"] = list(takewhile(lambda merge: "".join(merge) in words, model["merges"]))
    return json.dumps(content, indent=1)


def train_for_target(
    genome: Genome,
    intervals: Sequence[Interval],
    positions: Positions,
    guards: Guards,
    target: float,
) -> str:
    """Train a tokenizer and keep as many words as bring the mean closest to the target.

    Parameters
    ----------
    genome : Genome
        Where bases are read.
    intervals : sequence of Interval
        The training split.
    positions : Positions
        Windows of it, on which chunks are measured.
    guards : Guards
        The limits that the target reckons with.
    target : float
        Wanted positions per chunk.

    Returns
    -------
    str
        The tokenizer as JSON text.

    Raises
    ------
    UserError
        When the largest vocabulary has too short chunks, or the smallest too long ones.
    """

    def mean(words: Sequence[str]) -> float:
        return bpe_boundaries(words, positions, guards).positions_per_chunk.item()

    for size in SIZES:
        text = train_bpe(genome, intervals, size).to_str()
        words = vocabulary(text)
        if mean(words) >= target:
            break
    else:
        raise UserError(
            f"{SIZES[-1]:,} words of byte-pair encoding have chunks of {mean(words):.3g} "
            f"positions, not {target:g}; give a lower target"
        )
    low, high = len(LETTERS), len(words)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if mean(words[:middle]) >= target else (middle, high)
    closest = min((low, high), key=lambda size: abs(mean(words[:size]) - target))
    if closest == len(LETTERS):
        raise UserError(
            f"single bases are nearer to chunks of {target:g} positions than any vocabulary; "
            "give a higher target"
        )
    return shortened(text, closest)
