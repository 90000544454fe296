"""What names the content of a genome: its digest, and its long runs of N, from one pass."""

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from genomenet.genome.alphabet import CODE_BITS
from genomenet.genome.base_counts import N_NIBBLES
from genomenet.genome.contigs import Contig, content_digest
from genomenet.genome.intervals import Interval
from genomenet.genome.n_runs import NRunFinder

_PAIR = np.dtype("<u2")
_BASES_A_WORD = 16


class ContentScan:
    """Takes the bases of a whole genome, block after block, and tells its digest and N runs.

    The digest is over four bits a base: half of what the packed bytes would take, and most of the
    time goes into SHA-256.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._n_runs = NRunFinder()
        # Memory that is given back after every block costs as much as the work done in it.
        self._wide = np.zeros(0, dtype=_PAIR)
        self._nibbles = np.zeros(0, dtype=np.uint8)

    def feed(self, packed: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
        """Take in the next bases: an even number of them, but for the last time.

        Parameters
        ----------
        packed : ndarray of uint8, shape (bases,)
            Codes and soft mask.

        Returns
        -------
        ndarray of uint64, shape (bases / 16,)
            Four bits a base, the first of two bases in the low half of its byte; behind the last
            one zeros. Only lent, until the next bases come.
        """
        bases = packed.size
        if bases % 2:
            packed = np.append(packed, np.uint8(0))
        pairs = packed.view(_PAIR)
        words = -(-bases // _BASES_A_WORD)
        if pairs.size > self._wide.size:
            self._wide = np.empty(pairs.size, dtype=_PAIR)
            self._nibbles = np.empty(words * 8, dtype=np.uint8)
        wide, nibbles = self._wide[: pairs.size], self._nibbles[: words * 8]
        np.right_shift(pairs, _PAIR.type(4), out=wide)
        np.bitwise_or(wide, pairs, out=wide)
        np.copyto(nibbles[: pairs.size], wide, casting="unsafe")
        nibbles[pairs.size :] = 0
        self._hash.update(nibbles[: pairs.size].data)
        lent = nibbles.view(np.uint64)
        if np.bitwise_or.reduce(lent) & N_NIBBLES:
            self._n_runs.feed(packed[:bases] & np.uint8(CODE_BITS))
        else:
            self._n_runs.pass_over(bases)
        return lent

    def digest(self, contigs: Iterable[Contig]) -> str:
        """Return the digest of the bases so far; see `content_digest`."""
        return content_digest(contigs, self._hash)

    def n_runs(self, contigs: Iterable[Contig]) -> tuple[Interval, ...]:
        """Return the runs of at least 64 N of the bases so far."""
        return self._n_runs.runs(contigs)
