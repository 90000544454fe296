"""Read the class of every base, which `genomenet annotate` wrote beside a genome."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genomenet.annotation.region_classes import CLASS_BITS, REPEAT_SHIFT, STRAND_SHIFT
from genomenet.errors import UserError, nearest
from genomenet.genome.contigs import Contig, ContigTable
from genomenet.genome.genome import Genome
from genomenet.genome.opening import read_table

FORMAT_VERSION = 1
BYTES_FILE = "regions.u8"
TABLE_FILE = "regions.json"

UInt8 = npt.NDArray[np.uint8]


class RegionTrack:
    """The class, strand and repeat bit of every base of a genome, memory-mapped.

    Pickling carries the path alone; workers share the page cache.

    Parameters
    ----------
    path : str or Path
        Folder written by `genomenet.annotation.region_writer.write_regions`.
    genome : Genome, optional
        The genome that it must belong to.

    Attributes
    ----------
    path : Path
        The folder.
    classes : tuple of str
        Names; a base's code is the place of its class in them. Later ones took precedence.
    genome_digest : str
        Of the genome that the bases belong to.
    digest : str
        SHA-256 of the bytes.
    table : dict
        Everything `regions.json` tells: sources, counts, controls.

    Raises
    ------
    UserError
        When the folder is missing, incomplete, of another format, or of another genome.
    """

    def __init__(self, path: str | Path, genome: Genome | None = None) -> None:
        self.path = Path(path)
        self.table = read_table(
            self.path / TABLE_FILE,
            FORMAT_VERSION,
            f"{self.path} holds no annotation, there is no {TABLE_FILE}; make it with "
            "`genomenet annotate`",
            f"delete {self.path} and annotate again",
        )
        self.classes: tuple[str, ...] = tuple(self.table["classes"])
        self.genome_digest: str = self.table["genome_digest"]
        self.digest: str = self.table["digest"]
        if genome is not None and genome.digest != self.genome_digest:
            raise UserError(
                f"{self.path} annotates another genome (digest {self.genome_digest[:12]}, the "
                f"genome here has {genome.digest[:12]}); run `genomenet annotate` on this one"
            )
        self._contigs = ContigTable(
            (Contig(**row) for row in self.table["contigs"]), str(self.path)
        )
        self._bytes: UInt8 | None = None
        size = (self.path / BYTES_FILE).stat().st_size if self._has_bytes() else 0
        if size != self.table["length_bp"]:
            raise UserError(
                f"{self.path / BYTES_FILE} has {size:,} bytes where its {TABLE_FILE} promises "
                f"{self.table['length_bp']:,}; delete {self.path} and annotate again"
            )

    def read_bytes(self, contig: str, start: int, end: int) -> UInt8:
        """Return the stored bytes of bases `start` to `end`: class, strand and repeat together.

        Returns
        -------
        ndarray of uint8, shape (end - start,)
            A read-only view: bits 0-4 the class, 5-6 the strand, 7 whether it is a repeat.

        Raises
        ------
        UserError
            Unknown contig, or a range that leaves it.
        """
        offset = self._contigs.check(contig, start, end).offset
        if self._bytes is None:
            # A plain array over the map: slicing the memmap subclass costs ten times as much.
            self._bytes = np.asarray(np.memmap(self.path / BYTES_FILE, dtype=np.uint8, mode="r"))
        return self._bytes[offset + start : offset + end]

    def read(self, contig: str, start: int, end: int) -> UInt8:
        """Return the class of bases `start` to `end`, as places in `classes`; as `read_bytes`."""
        return self.read_bytes(contig, start, end) & np.uint8(CLASS_BITS)

    def read_strand(self, contig: str, start: int, end: int) -> UInt8:
        """Return the strand of what decided the class: 0 none, 1 plus, 2 minus, 3 both alike."""
        return (self.read_bytes(contig, start, end) >> np.uint8(STRAND_SHIFT)) & np.uint8(3)

    def read_repeat(self, contig: str, start: int, end: int) -> npt.NDArray[np.bool_]:
        """Return which of bases `start` to `end` lie in repeats."""
        return (self.read_bytes(contig, start, end) >> np.uint8(REPEAT_SHIFT)).view(np.bool_)

    def weights_of(self, weights: Mapping[str, float]) -> npt.NDArray[np.float64]:
        """Return the weight of each class, 1 for those that are not named.

        Returns
        -------
        ndarray of float64, shape (classes,)

        Raises
        ------
        UserError
            A class that there is not, a weight that is negative or not finite, nothing but zeros.
        """
        found = np.ones(len(self.classes))
        for name, weight in weights.items():
            if name not in self.classes:
                raise UserError(
                    f"{self.path} has no class '{name}'"
                    + (nearest(name, self.classes) or f"; its classes: {', '.join(self.classes)}")
                )
            if not (np.isfinite(weight) and weight >= 0):
                raise UserError(f"the weight of class '{name}' is {weight}; give 0 or more")
            found[self.classes.index(name)] = weight
        if not found.any():
            raise UserError("the weights of all classes are 0; give one of them more")
        return found

    def _has_bytes(self) -> bool:
        return (self.path / BYTES_FILE).is_file()

    def __reduce__(self) -> tuple[type["RegionTrack"], tuple[Path]]:
        return RegionTrack, (self.path.absolute(),)
