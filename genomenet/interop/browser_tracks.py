"""A model's surprise, boundaries and compute along a genome, as files that genome browsers open."""

import math
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np

from genomenet import __version__
from genomenet.errors import UserError
from genomenet.evaluation.held_out import HeldOut
from genomenet.evaluation.subject import Subject
from genomenet.evaluation.window_tracks import WindowTracks, window_tracks
from genomenet.files import whole_folder
from genomenet.interop.track_files import (
    BedFile,
    BedGraphFile,
    BigWigFile,
    NumberFile,
    bigwig_package,
)
from genomenet.models.config import ModelConfig
from genomenet.models.flops import flops_by_depth

FORMATS = ("bigwig", "bedgraph", "bed")
SIZES, NOTES = "chrom.sizes", "tracks.txt"

_NOTES = """\
Tracks of {names}, written by GenomeNet {version}.
{inputs}

Coordinates are those of BED: 0-based, half-open. N and bases that were not scored are absent.
Every window is read from its own first base on, so the first bases of a window are predicted
without what precedes them.

surprise     Bits by which the base was unexpected: minus log2 of its probability, given the bases
             before it in its window.
probability  Boundary probability that a stage gave after reading the base. Absent where an inner
             stage has no position, and at the last base of a window, which is never read.
chunk-starts, patch-ends, token-ends (BED)
             Where a stage drew a boundary after reading the base; the score is 1000 times its
             probability. A stage that selects starts a chunk with that base; one with
             cross-attention closes a patch with it; a tokeniser ends a token with it.
compute      Forward FLOPs spent at the position that predicts the base: what every base costs, and
             what each step further in costs where the model took one. The average position's
             attention is charged, at the chunk rate achieved on these windows, so that the mean
             over all bases of whole windows, N included, is that model's FLOPs per base at this
             rate.
"""


def write_tracks(
    subjects: Sequence[Subject],
    held_out: HeldOut,
    out: Path,
    formats: Sequence[str] = ("bigwig", "bed"),
    progress: Callable[[int], object] | None = None,
) -> list[str]:
    """Write a folder of tracks, whole or not at all.

    Parameters
    ----------
    subjects : sequence of Subject
        Models of runs.
    held_out : HeldOut
        The windows.
    out : Path
        Folder to make: ``MODEL.surprise``, ``MODEL.compute`` and for each stage
        ``MODEL.stageS.probability`` as numbers, ``MODEL.stageS.chunk-starts.bed`` (or patch-ends,
        or token-ends), `chrom.sizes` and `tracks.txt`, which tells what they mean.
    formats : sequence of {"bigwig", "bedgraph", "bed"}
        Numbers as bigWig, as bedGraph, or both; boundaries as BED.
    progress : callable, optional
        Called with the number of windows just scored.

    Returns
    -------
    list of str
        Names of the files.

    Raises
    ------
    UserError
        When `out` holds something, or bigWig is asked for without pyBigWig.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not an empty folder; give another --out")
    if "bigwig" in formats:
        bigwig_package()
    # In the order of the windows, which bigWig insists on.
    contigs = sorted((contig.name, contig.length_bp) for contig in held_out.genome.contigs)
    with whole_folder(out) as folder:
        lines = "".join(f"{name}\t{length}\n" for name, length in contigs)
        (folder / SIZES).write_text(lines, encoding="utf-8")
        inputs = "; ".join(f"{name}: {value}" for name, value in held_out.inputs().items())
        names = ", ".join(subject.name for subject in subjects)
        (folder / NOTES).write_text(
            _NOTES.format(names=names, version=__version__, inputs=inputs), encoding="utf-8"
        )
        for subject in subjects:
            _write(subject, held_out, folder, formats, contigs, progress)
        return sorted(path.name for path in folder.iterdir())


def boundary_word(config: ModelConfig, stage: int) -> str:
    """What a boundary after reading a base means for that base."""
    if config.tokeniser != "none":
        return "token-ends"
    return "patch-ends" if config.pool_of(stage) == "cross_attention" else "chunk-starts"


def _write(
    subject: Subject,
    held_out: HeldOut,
    folder: Path,
    formats: Sequence[str],
    contigs: Sequence[tuple[str, int]],
    progress: Callable[[int], object] | None,
) -> None:
    if subject.config is None:
        raise UserError(f"{subject.name} is no run of ours; tracks are written of runs")
    config = subject.config.model
    with ExitStack() as stack:

        def numbers(what: str) -> list[NumberFile]:
            path, name = folder / f"{subject.name}.{what}", f"{subject.name} {what}"
            files: list[NumberFile] = []
            if "bigwig" in formats:
                files.append(BigWigFile(Path(f"{path}.bw"), contigs))
            if "bedgraph" in formats:
                files.append(BedGraphFile(Path(f"{path}.bedGraph"), name))
            return [stack.enter_context(closing(one)) for one in files]

        def places(what: str) -> list[BedFile]:
            path, name = folder / f"{subject.name}.{what}.bed", f"{subject.name} {what}"
            if "bed" not in formats:
                return []
            return [stack.enter_context(closing(BedFile(path, name)))]

        surprise = numbers("surprise")
        probability = [numbers(f"stage{stage}.probability") for stage in range(subject.stages)]
        starts = [
            places(f"stage{stage}.{boundary_word(config, stage)}")
            for stage in range(subject.stages)
        ]
        # What attention costs is known once all chunks are counted: until then, a byte a base.
        depths = stack.enter_context(tempfile.TemporaryFile())
        counts = np.zeros(subject.stages + 1, dtype=np.int64)
        tiles = held_out.tiles()
        for window in window_tracks(subject, tiles, progress):
            bits = (window.nats / math.log(2)).astype(np.float32)
            for file in surprise:
                file.add(window.place, bits, window.scored)
            _add_boundaries(window, probability, starts)
            # One bit of the byte tells whether the base is scored.
            depths.write((window.depth * 2 + window.scored).astype(np.uint8).tobytes())
            counts += [(window.depth >= depth).sum() for depth in range(subject.stages + 1)]
        compute = numbers("compute")
        cost = compute_by_depth(config, held_out.length_bp, counts)
        depths.seek(0)
        for place in map(tiles.interval, range(len(tiles))):
            byte = np.frombuffer(depths.read(place.length_bp), dtype=np.uint8)
            for file in compute:
                file.add(place, cost[byte // 2].astype(np.float32), byte % 2 == 1)


def compute_by_depth(config: ModelConfig, length_bp: int, counts: np.ndarray) -> np.ndarray:
    """Forward FLOPs at a position, by how far in the model stepped there.

    Parameters
    ----------
    config : ModelConfig
        The model.
    length_bp : int
        Window length in bases.
    counts : ndarray of int64, shape (stages + 1,)
        Positions at which the model went at least so many steps in.

    Returns
    -------
    ndarray of float64, shape (stages + 1,)
        Their mean over positions is `flops_per_base` at the achieved rates.
    """
    rates = (counts[:-1] / counts[1:]).tolist()
    return np.cumsum([part.total for part in flops_by_depth(config, length_bp, rates)])


def _add_boundaries(
    window: WindowTracks, probability: list[list[NumberFile]], starts: list[list[BedFile]]
) -> None:
    for stage, found in enumerate(window.boundaries):
        present = window.scored & ~np.isnan(found.probability)
        for file in probability[stage]:
            file.add(window.place, found.probability, present)
        bases = np.flatnonzero(found.boundary & window.scored)
        for bed in starts[stage]:
            bed.add(window.place, bases, f"stage{stage}", found.probability[bases])
