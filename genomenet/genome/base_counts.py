"""Count called and soft-masked bases of a range, from sums over blocks kept with a genome."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from genomenet.genome.alphabet import N_CODE, SOFT_MASK_FLAG

if TYPE_CHECKING:
    from genomenet.genome.genome import Genome

COUNTED_BP = 4_096
"""Bases whose counts are kept together."""

COUNTS_DTYPE = np.dtype("<u2")
_READ_BP = 4 << 20
_WORDS = COUNTED_BP // 16
_EVERY_NIBBLE = 0x1111_1111_1111_1111
_MASKED_NIBBLES = np.uint64(_EVERY_NIBBLE * SOFT_MASK_FLAG)
N_NIBBLES = np.uint64(_EVERY_NIBBLE * N_CODE)
"""Of sixteen bases in a word, the bit that only the code of N has."""
_N_TO_MASK = np.uint64((SOFT_MASK_FLAG // N_CODE).bit_length() - 1)


class BaseCounts(NamedTuple):
    """What a range of bases holds.

    Attributes
    ----------
    total_bp : int
        All bases.
    called_bp : int
        Those that are not N.
    soft_masked_bp : int
        Those of `called_bp` that are soft-masked.
    """

    total_bp: int
    called_bp: int
    soft_masked_bp: int

    def __add__(self, other: tuple) -> "BaseCounts":
        """Add count to count; other than with plain tuples."""
        return BaseCounts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def count_by_reading(genome: "Genome", contig: str, start: int, end: int) -> BaseCounts:
    """Count bases `start` to `end` of `contig` by reading all of them.

    Raises
    ------
    UserError
        Unknown contig, or a range that leaves it.
    """
    called = soft_masked = 0
    for first in range(start, max(end, start + 1), _READ_BP):
        last = min(first + _READ_BP, end)
        packed = genome.read_packed(contig, first, last)
        is_called = genome.alphabet.codes(packed) < genome.alphabet.scored_codes
        called += int(np.count_nonzero(is_called))
        soft_masked += int(np.count_nonzero(is_called & genome.alphabet.masked(packed)))
    return BaseCounts(end - start, called, soft_masked)


def block_counts(nibbles: npt.NDArray[np.uint64], bases: int) -> npt.NDArray[np.uint16]:
    """Count called bases, and soft-masked ones among them, in each `COUNTED_BP` bases.

    Parameters
    ----------
    nibbles : ndarray of uint64, shape (bases / 16,)
        Four bits a base, as `genomenet.genome.content.ContentScan` has them at hand; the first
        base is that of a block.
    bases : int
        How many.

    Returns
    -------
    ndarray of uint16, shape (blocks, 2)
        Little-endian.
    """
    blocks = -(-bases // COUNTED_BP)
    counts = np.empty((blocks, 2), dtype=COUNTS_DTYPE)
    counts[:, 0] = COUNTED_BP
    if bases % COUNTED_BP:
        counts[-1, 0] = bases % COUNTED_BP
    masked = nibbles & _MASKED_NIBBLES
    if np.bitwise_or.reduce(nibbles) & N_NIBBLES:
        n = nibbles & N_NIBBLES
        counts[:, 0] -= _ones(n, blocks)
        masked &= ~(n << _N_TO_MASK)
    counts[:, 1] = _ones(masked, blocks)
    return counts


def _ones(flags: npt.NDArray[np.uint64], blocks: int) -> npt.NDArray[np.uint16]:
    ones = np.zeros(blocks * _WORDS, dtype=np.uint8)
    np.bitwise_count(flags, out=ones[: flags.size])
    return ones.reshape(blocks, _WORDS).sum(axis=1, dtype=np.uint16)


class BlockCounts:
    """The counts of the blocks of a genome, memory-mapped on first use.

    Parameters
    ----------
    path : Path
        File written from `block_counts` of all contigs, concatenated.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: npt.NDArray[np.uint16] | None = None

    @staticmethod
    def size_bytes(length_bp: int) -> int:
        """Size of the file for a genome of `length_bp`."""
        return -(-length_bp // COUNTED_BP) * 2 * COUNTS_DTYPE.itemsize

    def whole_blocks(self, first: int, last: int) -> BaseCounts:
        """Sum blocks `first` to `last`, each of `COUNTED_BP` bases."""
        if self._counts is None:
            flat = np.asarray(np.memmap(self._path, dtype=COUNTS_DTYPE, mode="r"))
            self._counts = flat.reshape(-1, 2)
        called, soft_masked = self._counts[first:last].sum(axis=0, dtype=np.int64).tolist()
        return BaseCounts((last - first) * COUNTED_BP, called, soft_masked)


def count_from_blocks(
    genome: "Genome", contig: str, start: int, end: int, offset: int, counts: BlockCounts
) -> BaseCounts:
    """Count bases `start` to `end` of a contig, reading two blocks of them at most.

    Parameters
    ----------
    genome : Genome
        To read from.
    contig : str
        Name of the contig.
    start, end : int
        Range in bases, inside the contig.
    offset : int
        Where the contig begins in the blocks.
    counts : BlockCounts
        Those of the blocks.
    """
    around = counts.whole_blocks((offset + start) // COUNTED_BP, -(-(offset + end) // COUNTED_BP))
    if around == (around.total_bp, around.total_bp, 0):  # neither N nor soft mask: as in bacteria
        return BaseCounts(end - start, end - start, 0)
    first, last = -(-(offset + start) // COUNTED_BP), (offset + end) // COUNTED_BP
    if first >= last:
        return count_by_reading(genome, contig, start, end)
    head = count_by_reading(genome, contig, start, first * COUNTED_BP - offset)
    tail = count_by_reading(genome, contig, last * COUNTED_BP - offset, end)
    return head + counts.whole_blocks(first, last) + tail
