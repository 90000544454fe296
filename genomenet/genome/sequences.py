"""A few sequences in memory: records of a file read whole, and written as FASTA or text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.genome.alphabet import CODE_BITS, SOFT_MASK_FLAG, NotNucleotides, decode, pack
from genomenet.genome.sources import not_nucleotides_error, record_place, source_pieces

LINE_WIDTH = 80
"""Letters of a FASTA line."""


@dataclass(frozen=True)
class SequenceRecord:
    """A named sequence in memory.

    Attributes
    ----------
    name : str
        First word of its header.
    codes : ndarray of uint8, shape (bases,)
        Codes of its letters.
    masked : ndarray of bool, shape (bases,)
        Whether each base is soft-masked.
    """

    name: str
    codes: npt.NDArray[np.uint8]
    masked: npt.NDArray[np.bool_]


def read_sequences(path: str | Path) -> list[SequenceRecord]:
    """Read every record of a FASTA, GenBank or EMBL file, plain or gzip.

    Raises
    ------
    UserError
        A file that cannot be read, a letter that is no nucleotide, a record without bases.
    """
    path = Path(path)
    names: list[str] = []
    pieces: list[list[npt.NDArray[np.uint8]]] = []
    for name, letters in source_pieces(path):
        if name is not None:
            names.append(name)
            pieces.append([])
        try:
            pieces[-1].append(pack(letters))
        except NotNucleotides:
            raise not_nucleotides_error(path, len(names), letters) from None
    records = []
    for ordinal, (name, parts) in enumerate(zip(names, pieces, strict=True), start=1):
        packed = np.concatenate(parts)
        if not packed.size:
            raise UserError(
                f"{path}: {record_place(path, ordinal)}: '{name}' has no bases; remove the record"
            )
        records.append(
            SequenceRecord(name, packed & np.uint8(CODE_BITS), (packed & SOFT_MASK_FLAG) > 0)
        )
    return records


def text_record(name: str, text: bytes) -> SequenceRecord:
    """A text as a record: its bytes are its codes, and none is masked."""
    return SequenceRecord(name, np.frombuffer(text, np.uint8), np.zeros(len(text), np.bool_))


def write_sequence(
    handle: IO[bytes], name: str, description: Sequence[str], codes: npt.NDArray[np.uint8]
) -> None:
    """Write one FASTA record.

    Parameters
    ----------
    handle : binary file
        Where to write.
    name : str
        Without blanks.
    description : sequence of str
        Words that follow the name in the header.
    codes : ndarray of uint8, shape (bases,)
        The sequence.
    """
    letters = decode(codes)
    lines = [letters[i : i + LINE_WIDTH] for i in range(0, len(letters), LINE_WIDTH)]
    handle.write(("\n".join([" ".join([f">{name}", *description]), *lines]) + "\n").encode())


def write_text(
    handle: IO[bytes],
    name: str,
    description: Sequence[str],
    codes: npt.NDArray[np.uint8],
    alone: bool,
) -> None:
    """Write one text as it is, below a line that names it unless it is `alone` in its file."""
    if alone:
        handle.write(codes.tobytes())
    else:
        header = f"==> {' '.join([name, *description])} <=="
        handle.write(header.encode() + b"\n" + codes.tobytes() + b"\n")
