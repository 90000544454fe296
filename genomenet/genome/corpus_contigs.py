"""The contigs of a corpus as a sequence that makes each one when it is asked for."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError, nearest
from genomenet.genome.contig_columns import ContigColumns
from genomenet.genome.contigs import Contig

Int64 = npt.NDArray[np.int64]

# Members whose contigs' names are kept as a dictionary.
_KNOWN_MEMBERS = 64


class CorpusContigs(Sequence[Contig]):
    """Contigs, named member/contig, of one member after the other.

    Millions of them would take seconds and hundreds of megabytes as objects.

    Parameters
    ----------
    members : sequence of str
        Names of the members.
    first_contigs : ndarray of int64, shape (members + 1,)
        Number of the first contig of each member, and at the end their total.
    columns : ContigColumns
        Of all contigs.
    path : Path
        Of the corpus, for error messages.
    """

    def __init__(
        self, members: Sequence[str], first_contigs: Int64, columns: ContigColumns, path: Path
    ) -> None:
        self._members = members
        self._first = first_contigs
        self._columns = columns
        self._path = path
        self._known: dict[str, dict[str, int]] = {}

    def __len__(self) -> int:
        return len(self._columns)

    @overload
    def __getitem__(self, i: int) -> Contig: ...
    @overload
    def __getitem__(self, i: slice) -> tuple[Contig, ...]: ...
    def __getitem__(self, i: int | slice) -> Contig | tuple[Contig, ...]:
        if isinstance(i, slice):
            return tuple(self[k] for k in range(*i.indices(len(self))))
        number = range(len(self))[i]
        member = int(np.searchsorted(self._first, number, side="right")) - 1
        name = self._columns.names(number, number + 1)[0]
        return Contig(
            f"{self._members[member]}/{name}",
            int(self._columns.lengths[number]),
            int(self._offsets[number]),
        )

    def __iter__(self) -> Iterator[Contig]:
        for member, (first, last) in enumerate(zip(self._first[:-1], self._first[1:], strict=True)):
            for name, length_bp, offset in zip(
                self._columns.names(first, last),
                self._columns.lengths[first:last].tolist(),
                self._offsets[first:last].tolist(),
                strict=True,
            ):
                yield Contig(f"{self._members[member]}/{name}", length_bp, offset)

    def number(self, name: str) -> int:
        """Return the number of the contig called `name`, or raise UserError with the nearest."""
        member, _, contig = name.partition("/")
        try:
            return (self._known.get(member) or self._learn(member))[contig]
        except KeyError:
            raise UserError(f"{self._path} has no contig '{name}'{self._hint(name)}") from None

    def numbers(self, names: Sequence[str]) -> Int64:
        """Return the numbers of several contigs; see `number`."""
        return np.fromiter((self.number(name) for name in names), dtype=np.int64, count=len(names))

    @cached_property
    def _offsets(self) -> Int64:
        lengths = self._columns.lengths
        return np.cumsum(lengths) - lengths

    @cached_property
    def _member_numbers(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self._members)}

    def _learn(self, member: str) -> dict[str, int]:
        place = self._member_numbers[member]
        first, last = self._first[place : place + 2].tolist()
        if len(self._known) >= _KNOWN_MEMBERS:
            del self._known[next(iter(self._known))]
        names = self._columns.names(first, last)
        self._known[member] = {name: first + i for i, name in enumerate(names)}
        return self._known[member]

    def _hint(self, name: str) -> str:
        member, slash, contig = name.partition("/")
        if member not in self._member_numbers:
            hint = nearest(member, self._members)
            return hint or f"; its contigs are called as '{self[0].name}'"
        if not slash:
            return f"; give member and contig, as in '{self[0].name}'"
        return nearest(contig, self._learn(member)) or f"; see those of '{member}'"
