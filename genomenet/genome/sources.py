"""The sequence files a genome can come from: FASTA of any wrapping, 2bit, GenBank and EMBL."""

import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from genomenet.errors import UserError
from genomenet.genome.alphabet import first_foreign_letter, foreign_letter_reason
from genomenet.genome.fasta import Piece, fasta_pieces, foreign_letter_error, header_line
from genomenet.genome.opening import GZIP_MAGIC, Hasher, open_bytes
from genomenet.genome.twobit import is_twobit, twobit_pieces

_FLAT_FILE_FORMATS = {".gb": "genbank", ".gbk": "genbank", ".gbff": "genbank", ".embl": "embl"}
_BROKEN_OFF = "Premature end of file|Expected sequence length"


def flat_file_format(path: Path) -> str | None:
    """Return "genbank" or "embl" when the suffix says so (before any .gz), else None."""
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] in (".gz", ".bgz"):
        suffixes.pop()
    return _FLAT_FILE_FORMATS.get(suffixes[-1]) if suffixes else None


def is_plain_fasta(path: Path) -> bool:
    """Tell whether `path` is FASTA and not compressed."""
    if flat_file_format(path) or is_twobit(path):
        return False
    with path.open("rb") as raw:
        return raw.read(len(GZIP_MAGIC)) != GZIP_MAGIC


def source_pieces(path: Path, hasher: Hasher | None = None) -> Iterator[Piece]:
    """Stream the sequence text of a FASTA, GenBank or EMBL file (plain, gzip or bgzip) or 2bit.

    Parameters
    ----------
    path : Path
        2bit is told by its first bytes, GenBank and EMBL by their suffix, anything else is read
        as FASTA.
    hasher : Hasher, optional
        Fed with the file's bytes as they are on disk.

    Yields
    ------
    Piece
        A contig's name comes with its first piece.

    Raises
    ------
    UserError
        The file cannot be read, breaks off, or is not what its name says.
    """
    if is_twobit(path):
        yield from twobit_pieces(path, hasher)
        return
    with open_bytes(path, hasher) as stream:
        kind = flat_file_format(path)
        if kind is None:
            yield from fasta_pieces(stream, path)
        else:
            yield from _flat_file_pieces(stream, path, kind)


def _flat_file_pieces(stream: IO[bytes], path: Path, kind: str) -> Iterator[Piece]:
    from Bio.Seq import UndefinedSequenceError

    for number, record in enumerate(flat_file_records(stream, path, kind), start=1):
        try:
            yield Piece(record.id, bytes(record.seq))
        except UndefinedSequenceError:
            raise UserError(
                f"{path}: record {number} lists no bases; download the file with its sequence"
            ) from None


def flat_file_records(stream: IO[bytes], path: Path, kind: str) -> Iterator[Any]:
    """Stream the records of a GenBank or EMBL file as Biopython's `SeqRecord`.

    Parameters
    ----------
    stream : binary file
        The uncompressed bytes, at their beginning.
    path : Path
        For error messages.
    kind : {"genbank", "embl"}
        See `flat_file_format`.

    Raises
    ------
    UserError
        No record, one that breaks off, or a file that is not what its name says.
    """
    # Biopython takes a quarter of a second to import, and most genomes are FASTA.
    from Bio import BiopythonParserWarning, SeqIO

    text = io.TextIOWrapper(cast("Any", stream), encoding="utf-8", errors="replace")
    records = 0
    try:
        parser = SeqIO.parse(text, kind)
        while True:
            with warnings.catch_warnings():
                # Biopython only warns of a record that breaks off.
                warnings.filterwarnings("error", _BROKEN_OFF, BiopythonParserWarning)
                record = next(parser, None)
            if record is None:
                break
            records += 1
            yield record
    except BiopythonParserWarning as error:
        raise UserError(
            f"{path}: record {records + 1} breaks off ({error}); copy or download the file again"
        ) from None
    except ValueError as error:
        raise UserError(f"{path} cannot be read as {kind}: {error}; check the file") from None
    finally:
        text.detach()
    if records == 0:
        raise UserError(
            f"{path} holds no {kind} record; check the file, or rename it if it is FASTA"
        )


def record_place(path: Path, ordinal: int) -> str:
    """Say where record `ordinal` (from 1) of `path` begins: "line 12" or "record 3"."""
    if flat_file_format(path) is None and not is_twobit(path):
        return f"line {header_line(path, ordinal)}"
    return f"record {ordinal}"


def not_nucleotides_error(path: Path, ordinal: int, letters: bytes) -> UserError:
    """Return the error for `letters` of record `ordinal` (from 1) that are no nucleotides."""
    if flat_file_format(path) is None:
        return foreign_letter_error(path)
    reason = foreign_letter_reason(first_foreign_letter(letters))
    return UserError(f"{path}: record {ordinal}: {reason}")
