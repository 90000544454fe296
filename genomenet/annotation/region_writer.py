"""Write the class of every base beside a genome: the bytes, and a table of what they are."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genomenet import __version__
from genomenet.annotation.reading_frames import with_frames
from genomenet.annotation.region_classes import STRAND_NAMES, with_layers
from genomenet.annotation.region_controls import SiteControls
from genomenet.annotation.region_features import contig_regions
from genomenet.annotation.region_painter import UInt8, paint, paint_ranges, paint_repeats
from genomenet.annotation.region_sources import PlacedRows, RegionSources, pairs
from genomenet.annotation.regions import BYTES_FILE, FORMAT_VERSION, TABLE_FILE, RegionTrack
from genomenet.errors import UserError
from genomenet.files import whole_folder
from genomenet.genome.contigs import Contig
from genomenet.genome.genome import Genome

UPSTREAM_BP, DOWNSTREAM_BP = 1000, 100
"""How far a promoter reaches before the start of a transcript, and into it, unless told."""

_BLOCK_BP = 1 << 22
_BYTE_VALUES = 256


def write_regions(
    genome: Genome,
    annotation: str | Path,
    out: str | Path,
    *,
    genome_name: str = "the genome",
    repeats: str | Path | None = None,
    layers: Mapping[str, str | Path] | None = None,
    aliases: str | Path | None = None,
    upstream_bp: int = UPSTREAM_BP,
    downstream_bp: int = DOWNSTREAM_BP,
    command: str = "",
    progress: Callable[[int], object] | None = None,
) -> RegionTrack:
    """Make the folder of a region track out of annotation, contig by contig.

    Parameters
    ----------
    genome : Genome
        Whose bases get classes.
    annotation, repeats, layers, aliases, upstream_bp, downstream_bp
        See `RegionSources`.
    out : str or Path
        Folder to make. When it already holds a track made from the same, that is returned.
    genome_name : str
        What to call the genome in errors.
    command : str
        Recorded.
    progress : callable, optional
        Called with the number of bases of each contig once they are written.

    Returns
    -------
    RegionTrack

    Raises
    ------
    UserError
        A file that can't be read or has nothing on the genome's contigs, annotation of another
        assembly, a layer that can't be called so, or an `out` that holds something else.
    """
    sources = RegionSources(
        Path(annotation),
        Path(repeats) if repeats else None,
        {name: Path(path) for name, path in (layers or {}).items()},
        Path(aliases) if aliases else None,
        upstream_bp,
        downstream_bp,
    )
    if min(upstream_bp, downstream_bp) < 0:
        raise UserError("a promoter reaches a number of bases up- and downstream; give 0 or more")
    classes, out, record = with_layers(list(sources.layers)), Path(out), sources.record()
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        return _reuse(out, genome, record)
    writer = _RegionWriter(genome, genome_name, sources, classes)
    with whole_folder(out) as folder:
        table = writer.write(folder / BYTES_FILE, progress or (lambda bases: None))
        table = {
            "format_version": FORMAT_VERSION,
            "genomenet_version": __version__,
            "command": command,
            "genome_digest": genome.digest,
            "length_bp": genome.length_bp,
            "contigs": [asdict(contig) for contig in writer.contigs],
            "precedence": "classes go from the lowest precedence to the highest",
            "classes": classes,
            "sources": record,
            **table,
        }
        (folder / TABLE_FILE).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return RegionTrack(out, genome)


class _RegionWriter:
    def __init__(
        self, genome: Genome, genome_name: str, sources: RegionSources, classes: tuple[str, ...]
    ) -> None:
        self._genome = genome
        self._sources = sources
        self._classes = classes
        self._rows = PlacedRows(genome, genome_name, sources)
        ends = accumulate(contig.length_bp for contig in genome.contigs)
        self.contigs = [
            Contig(contig.name, contig.length_bp, end - contig.length_bp)
            for contig, end in zip(genome.contigs, ends, strict=True)
        ]

    def write(self, path: Path, progress: Callable[[int], object]) -> dict[str, Any]:
        """Write the bytes; return what was counted on the way."""
        counts = np.zeros(_BYTE_VALUES, dtype=np.int64)
        digest, controls = hashlib.sha256(), SiteControls()
        with path.open("wb") as handle:
            handle.truncate(self._genome.length_bp)
        # The pages belong to the file, so that memory does not grow with the contig.
        mapped = np.asarray(np.memmap(path, dtype=np.uint8, mode="r+"))
        for contig in self.contigs:
            painted = mapped[contig.offset : contig.offset + contig.length_bp]
            self._paint(painted, contig, controls)
            for start in range(0, painted.size, _BLOCK_BP):
                block = painted[start : start + _BLOCK_BP]
                counts += np.bincount(block, minlength=_BYTE_VALUES)
                digest.update(block.data)
            progress(contig.length_bp)
        controls.check(self._sources.annotation)
        return {
            "digest": digest.hexdigest(),
            "counts": _by_class(counts, self._classes),
            "left_out": self._rows.left_out,
            "controls": {"sites": controls.sites, "alike": controls.alike},
            "notes": [*controls.sentences(), *self._rows.notes()],
        }

    def _paint(self, painted: UInt8, contig: Contig, controls: SiteControls) -> None:
        genome, sources = self._genome, self._sources
        features = self._rows.features(contig.name)
        regions = contig_regions(
            features, contig.length_bp, sources.upstream_bp, sources.downstream_bp
        )
        regions.coding = set(with_frames(genome, contig.name, regions.coding))
        controls.add(genome, contig.name, features, regions)
        paint(painted, regions)
        for name, layer in self._rows.layers.items():
            for strand, ranges in layer.get(contig.name, {}).items():
                paint_ranges(painted, self._classes.index(name), strand, pairs(ranges))
        self._paint_repeats(painted, contig.name)

    def _paint_repeats(self, painted: UInt8, contig: str) -> None:
        if self._rows.repeats is not None:
            for ranges in self._rows.repeats.get(contig, {}).values():
                paint_repeats(painted, pairs(ranges))
            return
        for start in range(0, painted.size, _BLOCK_BP):
            block = painted[start : start + _BLOCK_BP]
            mask = self._genome.read_mask(contig, start, start + block.size)
            block |= mask.view(np.uint8) << np.uint8(7)


def _by_class(counts: npt.NDArray[np.int64], classes: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """Bases of each class, by strand, and those in repeats."""
    by_bits = counts.reshape(2, len(STRAND_NAMES), -1)  # repeat, strand, class
    return {
        name: {
            "bases": int(by_bits[:, :, code].sum()),
            **{strand: int(by_bits[:, i, code].sum()) for i, strand in enumerate(STRAND_NAMES)},
            "repeat": int(by_bits[1, :, code].sum()),
        }
        for code, name in enumerate(classes)
    }


def _reuse(out: Path, genome: Genome, record: dict[str, Any]) -> RegionTrack:
    remedy = "choose another folder or delete it"
    try:
        track = RegionTrack(out, genome)
    except UserError as error:
        raise UserError(f"{out} already exists and can't be used ({error}); {remedy}") from None
    # Layers count in their order, which dictionaries forget when they are compared.
    if json.dumps(track.table["sources"]) != json.dumps(record):
        raise UserError(f"{out} already holds regions made otherwise; {remedy}")
    return track
