"""What names the content of a genome: its digest, and its long runs of N, from one pass."""

import hashlib
from collections.abc import Iterable

from genomenet.genome.contigs import Contig, content_digest
from genomenet.genome.intervals import Interval
from genomenet.genome.letter_blocks import BaseBlock
from genomenet.genome.n_runs import NRunFinder


class ContentScan:
    """Takes the bases of a whole genome, block after block, and tells its digest and N runs.

    The digest is over four bits a base: half of what codes and mask would take, and the time
    goes into SHA-256.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._n_runs = NRunFinder()

    def feed(self, block: BaseBlock) -> None:
        """Take in the next bases: an even number of them, but for the last time."""
        self._hash.update(block.nibbles().data)
        if block.any_n:
            self._n_runs.feed(block.codes)
        else:
            self._n_runs.pass_over(block.codes.size)

    def digest(self, contigs: Iterable[Contig]) -> str:
        """Return the digest of the bases so far; see `content_digest`."""
        return content_digest(contigs, self._hash)

    def n_runs(self, contigs: Iterable[Contig]) -> tuple[Interval, ...]:
        """Return the runs of at least 64 N of the bases so far."""
        return self._n_runs.runs(contigs)
