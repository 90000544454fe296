"""Deal blocks of a genome to the splits by their shares of the bases."""

import hashlib
from collections.abc import Sequence

import numpy as np

from genomenet.errors import UserError
from genomenet.genome.contigs import Contig
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval, overlaps_bp
from genomenet.windows.splits import SPLIT_NAMES, Splits, merged_splits


def split_by_fraction(
    genome: Genome, valid_fraction: float, test_fraction: float, block_bp: int, seed: int
) -> Splits:
    """Give whole blocks to the splits, spread out over the genome.

    Walking along the contigs (by name, so that the order of import does not matter), blocks are
    shuffled within short neighbourhoods, and each goes to the split furthest behind its share of
    the bases outside N runs.

    Parameters
    ----------
    genome : Genome
        Whose contigs are cut into blocks, each from its start, the last block shorter.
    valid_fraction, test_fraction : float
        Shares of the bases outside long N runs, in [0, 1); the rest is for training.
    block_bp : int
        Length of a block.
    seed : int
        Of the shuffling.

    Raises
    ------
    UserError
        Fractions out of range, or too few blocks to give every split one.
    """
    shares = split_shares(valid_fraction, test_fraction)
    if block_bp < 1:
        raise UserError(f"block_bp is {block_bp}, but a block needs at least one base")
    blocks = _shuffled_blocks(
        genome, block_bp, seed, neighbourhood=round(2 / min(filter(None, shares)))
    )
    weights = np.array([block.length_bp for block in blocks]) - overlaps_bp(blocks, genome.n_runs)
    names, given = deal(weights.tolist(), shares)
    for name, share, bases in zip(SPLIT_NAMES, shares, given, strict=True):
        if share and not bases:
            raise UserError(
                f"no block of {block_bp:,} bp is left for {name} ({share:.1%} of the genome); "
                "lower block_bp"
            )
    return merged_splits(list(zip(names, blocks, strict=True)))


def split_shares(valid_fraction: float, test_fraction: float) -> tuple[float, float, float]:
    """Return the shares of train, valid and test.

    Raises
    ------
    UserError
        A negative fraction, or nothing left for training.
    """
    shares = (1.0 - valid_fraction - test_fraction, valid_fraction, test_fraction)
    if min(valid_fraction, test_fraction) < 0 or shares[0] <= 0:
        raise UserError(
            f"the fractions of valid ({valid_fraction}) and test ({test_fraction}) must not be "
            "negative and must leave something for training; lower them"
        )
    return shares


def deal(weights: Sequence[int], shares: Sequence[float]) -> tuple[list[str], list[float]]:
    """Give each of some things, in turn, to the split furthest behind its share.

    Parameters
    ----------
    weights : sequence of int
        Of each thing; what weighs nothing goes to train.
    shares : sequence of float
        From `split_shares`.

    Returns
    -------
    list of str
        The split of each thing.
    list of float
        What each split was given, in the order of `SPLIT_NAMES`.
    """
    given = np.zeros(len(shares))
    names = []
    for weight in weights:
        behind = np.array(shares) * (given.sum() + weight) - given
        chosen = int(behind.argmax()) if weight else 0
        given[chosen] += weight
        names.append(SPLIT_NAMES[chosen])
    return names, given.tolist()


def _shuffled_blocks(
    genome: Genome, block_bp: int, seed: int, neighbourhood: int
) -> list[Interval]:
    blocks = [
        Interval(contig.name, start, min(start + block_bp, contig.length_bp))
        for contig in sorted(genome.contigs, key=_by_name)
        for start in range(0, contig.length_bp, block_bp)
    ]

    def shuffled(place: int) -> tuple[int, bytes]:
        key = f"{seed} {blocks[place].contig} {blocks[place].start}"
        return place // neighbourhood, hashlib.sha256(key.encode()).digest()

    return [blocks[place] for place in sorted(range(len(blocks)), key=shuffled)]


def _by_name(contig: Contig) -> str:
    return contig.name
