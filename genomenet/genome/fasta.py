"""Stream the records of a FASTA file block by block, in flat memory, whatever its wrapping."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from genomenet.errors import UserError
from genomenet.genome.alphabet import first_foreign_letter, foreign_letter_reason
from genomenet.genome.opening import open_bytes

BLOCK_BYTES = 1 << 19
MAX_HEADER_BYTES = 16 << 20
_HEADER_MARK = b">"


class Piece(NamedTuple):
    """A stretch of sequence text.

    Attributes
    ----------
    name : str or None
        The contig's name in the first piece of a contig, None in those that continue it.
    letters : bytes
        Sequence text with its line ends.
    """

    name: str | None
    letters: bytes


def fasta_pieces(stream: IO[bytes], path: Path) -> Iterator[Piece]:
    """Stream the sequence text of a FASTA file.

    Parameters
    ----------
    stream : binary file
        The uncompressed bytes, at their beginning.
    path : Path
        For error messages.

    Yields
    ------
    Piece
        For each record a piece with its name and no letters, then its text in pieces of at most
        `BLOCK_BYTES`.

    Raises
    ------
    UserError
        An empty file, one that is not text, no '>' at the beginning, a header without a name.
    """
    records = 0
    header: bytes | None = None  # the header line being read, while one is
    at_line_start = True
    while block := stream.read(BLOCK_BYTES):
        if records == 0 and b"\0" in block:
            raise UserError(f"{path} is not a text file; give FASTA, 2bit, GenBank or EMBL")
        position = 0
        while position < len(block):
            if header is not None:
                line_end = block.find(b"\n", position)
                header += block[position : line_end if line_end >= 0 else len(block)]
                if len(header) > MAX_HEADER_BYTES:
                    raise UserError(f"{path} has a header longer than 16 MB; this is not FASTA")
                if line_end < 0:
                    break
                yield Piece(_name(header, path, records), b"")
                header, at_line_start, position = None, True, line_end + 1
            elif at_line_start and block[position : position + 1] == _HEADER_MARK:
                records += 1
                header, position = b"", position + 1
            else:
                stop = _next_header(block, position)
                letters = block[position:stop]
                if records:
                    yield Piece(None, letters)
                elif letters.strip():
                    raise _not_fasta(path)
                at_line_start = letters.endswith(b"\n")
                position = stop
    if header is not None:
        yield Piece(_name(header, path, records), b"")
    if records == 0:
        raise UserError(f"{path} is empty; give a FASTA file with at least one sequence")


def _next_header(block: bytes, position: int) -> int:
    """Where the next header after `position` begins, or the end of the block."""
    # Looking for the one byte and then back is twelve times as fast as looking for b"\n>".
    mark = block.find(_HEADER_MARK, position + 1)
    while mark >= 0 and not block.startswith(b"\n", mark - 1):
        mark = block.find(_HEADER_MARK, mark + 1)
    return mark if mark >= 0 else len(block)


def _name(header: bytes, path: Path, ordinal: int) -> str:
    words = header.decode("utf-8", "replace").split(maxsplit=1)
    if not words or header[:1].isspace():
        raise UserError(
            f"{path}: line {header_line(path, ordinal)}: the header has no name; "
            "write one right after the '>'"
        )
    return words[0]


def _not_fasta(path: Path) -> UserError:
    with open_bytes(path) as stream:
        number, text = next(
            (number, line.strip()) for number, line in enumerate(stream, start=1) if line.strip()
        )
    what = "this looks like FASTQ, convert it" if text.startswith(b"@") else "give a FASTA file"
    shown = text[:40].decode("utf-8", "replace")
    return UserError(
        f"{path}: line {number}: FASTA begins with a '>' header, but this line is {shown!r}; {what}"
    )


def header_line(path: Path, ordinal: int) -> int:
    """Return the line number, from 1, of the header of record `ordinal`, from 1.

    Lines are only counted once something is wrong, by reading the file again.
    """
    with open_bytes(path) as stream:
        for number, line in enumerate(stream, start=1):
            if line.startswith(_HEADER_MARK):
                ordinal -= 1
                if ordinal == 0:
                    return number
    raise ValueError("the file has fewer records")


def foreign_letter_error(path: Path) -> UserError:
    """Return the error for a file with a letter that is no nucleotide, naming its line."""
    with open_bytes(path) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.startswith(_HEADER_MARK):
                letter = first_foreign_letter(line)
                if letter:
                    return UserError(f"{path}: line {number}: {foreign_letter_reason(letter)}")
    raise ValueError("every letter of the file is a nucleotide")
