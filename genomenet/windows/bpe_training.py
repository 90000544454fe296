"""Byte-pair encoding of nucleotides: learn on the training split which words there are."""

import re
from collections.abc import Iterator, Sequence

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from genomenet.errors import UserError
from genomenet.genome.alphabet import decode
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval
from genomenet.windows.held_out import HeldOutTiles

LETTERS = "ACGT"
"""Their ids are 0 to 3, in a trained tokenizer as in `genomenet.genome.alphabet`."""

RUNS = re.compile(f"[{LETTERS}]+")
"""What is cut into tokens; N is in none of them."""

PIECE_BP = 512
"""Pieces of training sequence; the trainer takes time by their length for every merge."""

_PIECES_PER_READ = 1024


def train_bpe(
    genome: Genome,
    intervals: Sequence[Interval],
    vocab_size: int,
    sample_bp: int = 5_000_000,
) -> Tokenizer:
    """Learn the merges of byte-pair encoding from (a sample of) some intervals.

    Pieces of 512 bases are taken evenly from the intervals. Soft mask is ignored and N is left
    out, so tokens are words over A, C, G and T. The same bases give the same tokenizer.

    Parameters
    ----------
    genome : Genome
        Where bases are read.
    intervals : sequence of Interval
        The training split.
    vocab_size : int
        Number of tokens, the four letters included.
    sample_bp : int
        Bases to learn from, at most.

    Returns
    -------
    Tokenizer
        Ids 0 to 3 are A, C, G, T. It encodes upper-case runs of these letters only.

    Raises
    ------
    UserError
        A genome of text, a vocabulary without merges, or too little sequence for so many merges.

    Notes
    -----
    Source: Sennrich et al. (arXiv 1508.07909), applied to DNA as in DNABERT-2 (arXiv 2306.15006).
    """
    if not genome.alphabet.complementable:
        raise UserError("byte-pair encoding is for DNA here; give a genome instead of text")
    if vocab_size <= len(LETTERS):
        raise UserError(
            f"a vocabulary of {vocab_size} tokens has no merges; give more than {len(LETTERS)}"
        )
    tokenizer = Tokenizer(BPE())
    trainer = BpeTrainer(
        vocab_size=vocab_size,
        initial_alphabet=list(LETTERS),
        special_tokens=[],
        show_progress=False,
    )
    tokenizer.train_from_iterator(_runs(genome, intervals, sample_bp), trainer)
    if tokenizer.get_vocab_size() < vocab_size:
        raise UserError(
            f"the training split gives {tokenizer.get_vocab_size():,} different tokens only, not "
            f"{vocab_size:,}; ask for fewer"
        )
    return tokenizer


def _runs(genome: Genome, intervals: Sequence[Interval], sample_bp: int) -> Iterator[str]:
    pieces = HeldOutTiles(genome, intervals, PIECE_BP, limit=max(1, sample_bp // PIECE_BP))
    for first in range(0, len(pieces), _PIECES_PER_READ):
        batch = pieces.batch(first, _PIECES_PER_READ)
        for codes in batch.codes:
            yield from RUNS.findall(decode(codes))
