"""The memory maps of a corpus's shards, of which only so many are open at a time."""

import resource
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genomenet.errors import UserError
from genomenet.genome.base_counts import BlockCounts
from genomenet.genome.gather import copy_few, gather
from genomenet.genome.places import Int64, Packed, Places
from genomenet.genome.store import map_bases
from genomenet.genome.store_writer import BASES_FILE, COUNTS_FILE

_GATHERED = 8
"""Segments of one shard that are quicker copied together than one by one."""


class ShardMaps:
    """The bases of many stores, by number of the store and place in it.

    Parameters
    ----------
    folder : Path
        Holds the stores.
    lengths : mapping of str to int
        Bases of each store; their order gives the numbers.

    Raises
    ------
    UserError
        When a store is missing or has another size.
    """

    def __init__(self, folder: Path, lengths: Mapping[str, int]) -> None:
        self._paths = [folder / name for name in lengths]
        for path, length_bp in zip(self._paths, lengths.values(), strict=True):
            sizes = {
                BASES_FILE: length_bp,
                COUNTS_FILE: BlockCounts.size_bytes(length_bp),
            }
            for file, wanted in sizes.items():
                size = (path / file).stat().st_size if (path / file).is_file() else 0
                if size != wanted:
                    raise UserError(
                        f"{path / file} has {size:,} bytes where the table of the corpus "
                        f"promises {wanted:,}; delete {path} and build the corpus again"
                    )
        # A map holds a file descriptor; half of them are left to others.
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._limit = max(1, (limit if limit > 0 else 1024) // 2)
        self._open: dict[int, Packed] = {}

    def bases(self, shard: int) -> Packed:
        """Return all packed bytes of a shard, a read-only view of the file."""
        bases = self._open.get(shard)
        if bases is None:
            bases = self._open[shard] = map_bases(self._paths[shard])
            # Several threads may be here at once, and the oldest be gone already.
            for oldest in list(self._open)[: -self._limit]:
                self._open.pop(oldest, None)
        return bases

    def counts(self, shard: int) -> BlockCounts:
        """Return the counts of the blocks of a shard; they are mapped anew each time."""
        return BlockCounts(self._paths[shard] / COUNTS_FILE)

    def copy(self, shards: Int64, firsts: Int64, places: Places, packed_BL: Packed) -> None:
        """Copy segments into a batch.

        Parameters
        ----------
        shards, firsts : ndarray of int64, shape (S,)
            Shard of each segment, and where in the shard it begins.
        places : Places
            Rows, columns and lengths of the segments.
        packed_BL : ndarray of uint8, shape (B, L)
            Written into.
        """
        order = np.argsort(shards, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(shards[order])) + 1):
            if not group.size:
                continue
            copy = gather if group.size >= _GATHERED else copy_few
            some = Places(*(column[group] for column in places))
            copy(self.bases(int(shards[group[0]])), firsts[group], some, packed_BL)
