"""Stream the sequences of a UCSC 2bit file through py2bit, once its layout is known to be whole."""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from genomenet.errors import UserError
from genomenet.genome.fasta import Piece
from genomenet.genome.opening import Hasher, open_bytes

_MAGIC = struct.pack("<I", 0x1A412743)
_PIECE_BP = 4 << 20
_HEADER = struct.Struct("<4I")
_WORD = struct.Struct("<I")


def is_twobit(path: Path) -> bool:
    """Tell by its first four bytes whether `path` (also when compressed) is a 2bit file.

    Raises
    ------
    UserError
        As `genomenet.genome.opening.open_bytes`.
    """
    with open_bytes(path) as stream:
        return stream.read(4) in (_MAGIC, _MAGIC[::-1])


def twobit_pieces(path: Path, hasher: Hasher | None = None) -> Iterator[Piece]:
    """Stream the sequence text of a 2bit file: soft-masked bases in lower case, N as N.

    Parameters
    ----------
    path : Path
        The file; see `is_twobit`.
    hasher : Hasher, optional
        Fed with the file's bytes as they are on disk.

    Yields
    ------
    Piece
        For each sequence a piece with its name and no letters, then its text.

    Raises
    ------
    UserError
        py2bit is missing, the file is compressed, from a machine of the other byte order, breaks
        off or is damaged.
    """
    try:
        import py2bit
    except ImportError:
        raise UserError(
            f"{path} is a 2bit file, which needs the package py2bit; install it with "
            'pip install "genomenet[twobit]", or convert the file to FASTA'
        ) from None
    sequences = _checked_lengths(path)
    with open_bytes(path, hasher):
        pass  # leaving the block feeds the whole file to the hasher
    try:
        handle = py2bit.open(str(path), True)
        for name, length_bp in sequences.items():
            yield Piece(name, b"")
            for start in range(0, length_bp, _PIECE_BP):
                end = min(length_bp, start + _PIECE_BP)
                letters = handle.sequence(name, start, end).encode()
                if b"N" in letters:
                    letters = _masked(letters, start, handle.softMaskedBlocks(name, start, end))
                yield Piece(None, letters)
        handle.close()
    except RuntimeError as error:
        raise _damaged(path, str(error)) from None


def _masked(letters: bytes, start: int, blocks: list[tuple[int, int]]) -> bytes:
    """The letters with masked N in lower case as well, which py2bit leaves in upper case."""
    masked = bytearray(letters)
    for low, high in blocks:
        inside = slice(max(low - start, 0), max(high - start, 0))
        masked[inside] = masked[inside].lower()
    return bytes(masked)


def _checked_lengths(path: Path) -> dict[str, int]:
    """Name and length of every sequence, in file order.

    py2bit trusts what it reads: a file that breaks off gives it wrong bases or ends the process.
    So the whole layout is walked beforehand, which touches a few kilobytes for each sequence.
    """
    with path.open("rb") as handle:
        magic = handle.read(4)
        if magic == _MAGIC[::-1]:
            raise UserError(
                f"{path} is a 2bit file in big-endian byte order, which py2bit does not read; "
                "make it again with faToTwoBit, or convert it to FASTA"
            )
        if magic != _MAGIC:
            raise UserError(f"{path} is a compressed 2bit file; decompress it")
        with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return _walk(data)
            except struct.error:
                raise _damaged(path, "it breaks off") from None
            except ValueError as error:
                raise _damaged(path, str(error)) from None


def _walk(data: mmap.mmap) -> dict[str, int]:
    """Lengths by name; ValueError says what does not fit, struct.error that the file breaks off."""
    _, version, count, _ = _HEADER.unpack_from(data, 0)
    if version not in (0, 1):
        raise ValueError(f"its version is {version}, not 0 or 1")
    if count == 0:
        raise ValueError("it has no sequence")
    offset_word = struct.Struct("<Q" if version else "<I")
    position = _HEADER.size
    lengths: dict[str, int] = {}
    for ordinal in range(1, count + 1):
        (size,) = struct.unpack_from("<B", data, position)
        name = data[position + 1 : position + 1 + size].decode("utf-8", "strict")
        (offset,) = offset_word.unpack_from(data, position + 1 + size)
        position += 1 + size + offset_word.size
        if not name or name in lengths:
            raise ValueError(f"sequence {ordinal} has {'the name of another' if name else 'none'}")
        lengths[name] = _record_length(data, offset, name)
    return lengths


def _record_length(data: mmap.mmap, offset: int, name: str) -> int:
    (length_bp,) = _WORD.unpack_from(data, offset)
    offset += _WORD.size
    for what in ("N", "masked"):
        (blocks,) = _WORD.unpack_from(data, offset)
        offset += _WORD.size
        if offset + 2 * blocks * _WORD.size > len(data):
            raise struct.error
        starts, sizes = (
            np.frombuffer(data, "<u4", blocks, offset + part * blocks * _WORD.size).astype(np.int64)
            for part in (0, 1)
        )
        ends = starts + sizes
        if np.any(ends > length_bp) or np.any(starts[1:] < ends[:-1]):
            raise ValueError(f"its {what} blocks of '{name}' do not fit the sequence")
        offset += 2 * blocks * _WORD.size
    if offset + _WORD.size + -(-length_bp // 4) > len(data):
        raise struct.error
    return int(length_bp)


def _damaged(path: Path, reason: str) -> UserError:
    return UserError(f"{path} is a damaged 2bit file ({reason}); copy or download it again")
