"""Write the files of a genome store, contig after contig, in one pass and flat memory."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genomenet import __version__
from genomenet.genome.alphabet import (
    AMBIGUITY_FLAG,
    CODE_BITS,
    SOFT_MASK_FLAG,
    URACIL_FLAG,
)
from genomenet.genome.contigs import Contig, content_digest
from genomenet.genome.n_runs import NRunFinder

FORMAT_VERSION = 1
CODES_FILE = "codes.u8"
MASK_FILE = "softmask.bits"
TABLE_FILE = "genome.json"
# The first of eight bases sits in the lowest bit of its byte.
MASK_BIT_ORDER = "little"


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """Where a part of a store came from.

    Attributes
    ----------
    file : str
        Name without its folder.
    size_bytes : int
        Size on disk.
    sha256 : str
        Of the file as it was on disk, compressed or not.
    ambiguity_to_n, uracil_to_t : int
        How many letters were replaced.
    """

    file: str
    size_bytes: int
    sha256: str
    ambiguity_to_n: int
    uracil_to_t: int


class _MaskPacker:
    """Packs a stream of flags eight to a byte, carrying the odd few from block to block."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, dtype=np.uint8)

    def pack(self, flags: npt.NDArray[np.uint8]) -> bytes:
        head_bases = -self._rest.size % 8
        if flags.size < head_bases:
            self._rest = np.concatenate([self._rest, flags])
            return b""
        head = np.concatenate([self._rest, flags[:head_bases]])
        body_end = head_bases + (flags.size - head_bases) // 8 * 8
        body = flags[head_bases:body_end]
        self._rest = flags[body_end:].copy()
        return b"".join(np.packbits(part, bitorder="little").tobytes() for part in (head, body))

    def finish(self) -> bytes:
        return np.packbits(self._rest, bitorder="little").tobytes()


class StoreWriter:
    """Takes packed bases (see `alphabet`) and writes codes, soft mask and table into a folder.

    Parameters
    ----------
    folder : Path
        An existing, empty folder.

    Attributes
    ----------
    ambiguity_to_n, uracil_to_t : int
        Letters replaced so far.
    """

    def __init__(self, folder: Path) -> None:
        self.ambiguity_to_n = 0
        self.uracil_to_t = 0
        self._folder = folder
        self._codes_file = (folder / CODES_FILE).open("wb")
        self._mask_file = (folder / MASK_FILE).open("wb")
        self._codes_hash = hashlib.sha256()
        self._mask_hash = hashlib.sha256()
        self._packer = _MaskPacker()
        self._n_runs = NRunFinder()
        self._starts: list[tuple[str, int]] = []
        self._length_bp = 0

    @property
    def contig_name(self) -> str:
        """Name of the contig being written."""
        return self._starts[-1][0]

    @property
    def contig_length_bp(self) -> int:
        """Length so far of the contig being written."""
        return self._length_bp - self._starts[-1][1]

    def begin(self, name: str) -> None:
        """Start the next contig."""
        self._starts.append((name, self._length_bp))
        self._n_runs.begin(name)

    def append(self, packed: npt.NDArray[np.uint8]) -> None:
        """Continue the contig with packed bases, shape (bases,)."""
        if packed.size == 0:
            return
        if packed.max() >= AMBIGUITY_FLAG:
            self.ambiguity_to_n += int(np.count_nonzero(packed & np.uint8(AMBIGUITY_FLAG)))
            self.uracil_to_t += int(np.count_nonzero(packed & np.uint8(URACIL_FLAG)))
        codes = packed & np.uint8(CODE_BITS)
        self._codes_file.write(codes.data)
        self._codes_hash.update(codes.data)
        self._n_runs.feed(codes)
        self._write_mask(self._packer.pack(packed & np.uint8(SOFT_MASK_FLAG)))
        self._length_bp += packed.size

    def finish(self, sources: list[SourceRecord]) -> None:
        """Close the files and write the table that makes the folder a store."""
        self._write_mask(self._packer.finish())
        self._n_runs.finish()
        self.close()
        ends = [start for _, start in self._starts[1:]] + [self._length_bp]
        contigs = [
            Contig(name, end - start, start)
            for (name, start), end in zip(self._starts, ends, strict=True)
        ]
        number = {contig.name: i for i, contig in enumerate(contigs)}
        table = {
            "format_version": FORMAT_VERSION,
            "genomenet_version": __version__,
            "digest": content_digest(contigs, self._codes_hash, self._mask_hash),
            "length_bp": self._length_bp,
            "mask_bit_order": MASK_BIT_ORDER,
            "sources": [asdict(source) for source in sources],
            "contigs": [asdict(contig) for contig in contigs],
            "n_runs": [[number[run.contig], run.start, run.end] for run in self._n_runs.runs],
        }
        (self._folder / TABLE_FILE).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")

    def close(self) -> None:
        """Close the files; for an import that fails."""
        self._codes_file.close()
        self._mask_file.close()

    def _write_mask(self, data: bytes) -> None:
        self._mask_file.write(data)
        self._mask_hash.update(data)
