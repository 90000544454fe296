"""Write the files of a genome store, contig after contig, in one pass and flat memory."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genomenet import __version__
from genomenet.genome.base_counts import COUNTED_BP, block_counts
from genomenet.genome.content import ContentScan
from genomenet.genome.letter_blocks import BLOCK_BP, LetterBlocks

FORMAT_VERSION = 3
BASES_FILE = "bases.u8"
COUNTS_FILE = "counts.u16"
TABLE_FILE = "genome.json"
# What a block adds to the small files is too little for a system call each.
_BUFFER_BYTES = 1 << 19


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """Where a part of a store came from.

    Attributes
    ----------
    file : str
        Name without its folder.
    size_bytes : int
        Size on disk.
    sha256 : str or None
        Of the file as it was on disk, where that is not plain FASTA. What a plain FASTA says is
        in the store's digest, and to hash its bytes, too, would take as long as a quarter of the
        import.
    ambiguity_to_n, uracil_to_t : int
        How many letters were replaced.
    """

    file: str
    size_bytes: int
    sha256: str | None
    ambiguity_to_n: int
    uracil_to_t: int


class StoreWriter:
    """Writes the bases of `blocks`, their counts and a table into a folder.

    Parameters
    ----------
    folder : Path
        An existing, empty folder.

    Attributes
    ----------
    blocks : LetterBlocks
        Takes the contigs.
    """

    def __init__(self, folder: Path) -> None:
        assert BLOCK_BP % COUNTED_BP == 0, "a block of letters holds whole blocks of counts"
        self.blocks = LetterBlocks(self._write)
        self._folder = folder
        self._bases_file = (folder / BASES_FILE).open("wb")
        self._counts_file = (folder / COUNTS_FILE).open("wb", buffering=_BUFFER_BYTES)
        self._scan = ContentScan()

    def finish(self, sources: list[SourceRecord]) -> None:
        """Close the files and write the table that makes the folder a store."""
        self.blocks.finish()
        self.close()
        contigs = self.blocks.contigs()
        number = {contig.name: i for i, contig in enumerate(contigs)}
        table = {
            "format_version": FORMAT_VERSION,
            "genomenet_version": __version__,
            "digest": self._scan.digest(contigs),
            "length_bp": self.blocks.length_bp,
            "counted_bp": COUNTED_BP,
            "sources": [asdict(source) for source in sources],
            "contigs": [[contig.name, contig.length_bp] for contig in contigs],
            "n_runs": [[number[x.contig], x.start, x.end] for x in self._scan.n_runs(contigs)],
        }
        # Each entry on a line of its own: with an indent, 100,000 contigs would take seconds.
        rows = (f" {json.dumps(key)}: {json.dumps(value)}" for key, value in table.items())
        text = "{\n" + ",\n".join(rows) + "\n}\n"
        (self._folder / TABLE_FILE).write_text(text, encoding="utf-8")

    def close(self) -> None:
        """Close the files; for an import that fails."""
        self._bases_file.close()
        self._counts_file.close()

    def _write(self, packed: npt.NDArray[np.uint8]) -> None:
        nibbles = self._scan.feed(packed)
        self._bases_file.write(packed.data)
        self._counts_file.write(block_counts(nibbles, packed.size).data)
