"""A made-up genome in memory, with something to learn in it, for runs without data."""

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.genome.alphabet import DNA, N_CODE, SOFT_MASK_FLAG, Alphabet, reverse_complement
from genomenet.genome.base_counts import BaseCounts, count_by_reading
from genomenet.genome.content import ContentScan
from genomenet.genome.contigs import Contig, ContigTable
from genomenet.genome.packed_reading import PackedReading
from genomenet.genome.places import Packed, Places, copy_segments

MIN_LENGTH_BP = 10_000

_SHARES = {"mock1": 0.6, "mock2": 0.3, "mock3": 0.1}
_BASE_PROBABILITIES = [0.3, 0.2, 0.2, 0.3]
_FAMILIES = 8
_FAMILY_LENGTHS_BP = (150, 1_200)
_REPEAT_SHARE = 0.4
_MUTATION_RATE = 0.08
_N_RUN_SHARE = 0.01


class MockGenome(PackedReading):
    """A random genome with planted, mutated and soft-masked repeats, and a few runs of N.

    Background bases are independent, so a model can only gain on the repeats: copies, on either
    strand, of a few families that the whole genome shares.

    Parameters
    ----------
    length_bp : int
        Sum over its three contigs, at least 10,000.
    seed : int
        The same seed and length give the same genome.

    Attributes
    ----------
    contigs : tuple of Contig
        ``mock1`` (60 % of the bases), ``mock2`` (30 %) and ``mock3``.
    length_bp : int
        As asked for.
    digest : str
        As that of a store with the same content.
    n_runs : tuple of Interval
        One run in the middle of each contig, 1 % of its length.

    Raises
    ------
    UserError
        When `length_bp` is too small.
    """

    alphabet: Alphabet = DNA

    def __init__(self, length_bp: int = 2_000_000, seed: int = 0) -> None:
        if length_bp < MIN_LENGTH_BP:
            raise UserError(
                f"a mock genome of {length_bp:,} bp is too small; ask for {MIN_LENGTH_BP:,} or more"
            )
        self.length_bp = length_bp
        self.seed = seed
        random = np.random.Generator(np.random.Philox(seed))
        bases = random.choice(4, size=length_bp, p=_BASE_PROBABILITIES).astype(np.uint8)
        masked = np.zeros(length_bp, dtype=np.bool_)
        _plant_repeats(random, bases, masked)
        self.contigs = _contigs(length_bp)
        for contig in self.contigs:
            codes = bases[contig.offset : contig.offset + contig.length_bp]
            run_bp = max(100, int(contig.length_bp * _N_RUN_SHARE))
            middle = contig.length_bp // 2
            codes[middle : middle + run_bp] = N_CODE
        scan = ContentScan()
        self._packed = bases | masked * np.uint8(SOFT_MASK_FLAG)
        scan.feed(self._packed)
        self.n_runs = scan.n_runs(self.contigs)
        self.digest = scan.digest(self.contigs)
        self._table = ContigTable(self.contigs, "the mock genome")

    def read_packed(self, contig: str, start: int, end: int) -> Packed:
        """Return bases `start` to `end` of `contig`, code and soft mask in one byte."""
        offset = self._table.check(contig, start, end).offset
        return self._packed[offset + start : offset + end]

    def read_into(self, places: Places, packed_BL: Packed) -> None:
        """Copy segments into a batch; see `genomenet.genome.places.copy_segments`."""
        copy_segments(self, places, packed_BL)

    def count_bases(self, contig: str, start: int, end: int) -> BaseCounts:
        """Count bases `start` to `end` of `contig`; reads all of them."""
        return count_by_reading(self, contig, start, end)

    def __reduce__(self) -> tuple[type["MockGenome"], tuple[int, int]]:
        return MockGenome, (self.length_bp, self.seed)


def _contigs(length_bp: int) -> tuple[Contig, ...]:
    bounds = [0, *(round(share * length_bp) for share in np.cumsum(list(_SHARES.values())))]
    return tuple(
        Contig(name, end - start, start)
        for name, start, end in zip(_SHARES, bounds[:-1], bounds[1:], strict=True)
    )


def _plant_repeats(
    random: np.random.Generator, codes: npt.NDArray[np.uint8], masked: npt.NDArray[np.bool_]
) -> None:
    families = [
        random.integers(4, size=random.integers(*_FAMILY_LENGTHS_BP), dtype=np.uint8)
        for _ in range(_FAMILIES)
    ]
    mean_gap = np.mean([family.size for family in families]) * (1 / _REPEAT_SHARE - 1)
    position = int(random.exponential(mean_gap))
    while True:
        copy = families[random.integers(_FAMILIES)].copy()
        if position + copy.size > codes.size:
            return
        if random.random() < 0.5:
            copy = reverse_complement(copy)
        mutated = random.random(copy.size) < _MUTATION_RATE
        copy[mutated] = (copy[mutated] + random.integers(1, 4, size=mutated.sum())) % 4
        codes[position : position + copy.size] = copy
        masked[position : position + copy.size] = True
        position += copy.size + int(random.exponential(mean_gap))
