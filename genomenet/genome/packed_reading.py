"""Codes and soft mask of a genome, out of the packed bytes that hold both."""

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from genomenet.genome.alphabet import Alphabet


class PackedReading(ABC):
    """What every genome has that can tell its packed bytes; see `genomenet.genome.alphabet`."""

    @property
    @abstractmethod
    def alphabet(self) -> Alphabet:
        """What the bytes mean."""

    @abstractmethod
    def read_packed(self, contig: str, start: int, end: int) -> npt.NDArray[np.uint8]:
        """Return bases `start` to `end` of a contig, code and soft mask in one byte.

        Returns
        -------
        ndarray of uint8, shape (end - start,)
            Maybe a read-only view of a file.

        Raises
        ------
        UserError
            Unknown contig, or a range that leaves it.
        """

    def read(self, contig: str, start: int, end: int) -> npt.NDArray[np.uint8]:
        """Return the codes of bases `start` to `end` of `contig`.

        Returns
        -------
        ndarray of uint8, shape (end - start,)

        Raises
        ------
        UserError
            As `read_packed`.
        """
        return self.alphabet.codes(self.read_packed(contig, start, end))

    def read_mask(self, contig: str, start: int, end: int) -> npt.NDArray[np.bool_]:
        """Return which of bases `start` to `end` of `contig` are soft-masked (lower case).

        Returns
        -------
        ndarray of bool, shape (end - start,)

        Raises
        ------
        UserError
            As `read_packed`.
        """
        return self.alphabet.masked(self.read_packed(contig, start, end))
