"""Whether boundaries split motifs more or less often than other stretches of the same length."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genomenet.evaluation.boundaries.edges import motif_edges
from genomenet.evaluation.boundaries.motifs import Motif
from genomenet.evaluation.boundaries.windows import BoundaryWindows, Measured, measure_ratios

Mask = npt.NDArray[np.bool_]


def motif_splits(
    windows: BoundaryWindows,
    boundary_WL: Mask,
    motifs: Sequence[Motif],
    closes: bool,
    backwards: bool = False,
    seed: int = 0,
) -> list[Measured]:
    """Mean number of chunks that an instance of each motif touches, over what chance gives.

    Chance is the mean over every stretch of the motif's length in the same window, weighted by
    the instances in it. Source of the statistic: DNAChunker (arXiv 2601.03019), which reports
    tokens per motif without such a control.

    Parameters
    ----------
    windows : BoundaryWindows
        Where motifs are looked for.
    boundary_WL : ndarray of bool, shape (windows, bases)
        Boundaries of a stage.
    motifs : sequence of Motif
        Which.
    closes : bool
        Whether a chunk ends with its boundary, rather than begins with it.
    backwards : bool
        Take the instances of the words spelt from last to first: as rich in each letter, and no
        sites. A motif that is the same backwards has none.
    seed : int
        Of the bootstrap.
    """
    lengths_W = np.array([place.length_bp for place in windows.places])
    columns, names, counts = [], [], []
    for motif in motifs:
        word = motif.backwards if backwards else ""
        if word in {motif.word, motif.reverse_complement}:
            continue
        edges = motif_edges(windows, motif, word)
        if not len(edges):
            continue
        chunks_WS = chunks_touched(boundary_WL, len(motif.word), closes)
        start_E = np.where(edges.step_E == 1, edges.place_E, edges.place_E - len(motif.word) + 1)
        fits_WS = np.arange(chunks_WS.shape[1]) <= (lengths_W - len(motif.word))[:, None]
        expected_W = (chunks_WS * fits_WS).sum(1) / np.maximum(fits_WS.sum(1), 1)
        instances_W = np.bincount(edges.window_E, minlength=len(windows))
        touched_W = np.bincount(
            edges.window_E, chunks_WS[edges.window_E, start_E], minlength=len(windows)
        )
        parts = [touched_W, instances_W, expected_W * instances_W, instances_W]
        columns.append(windows.by_block(np.stack(parts, axis=1).astype(np.float64)))
        names.append(f"{motif.name} {motif.word}")
        counts.append(len(edges))
    if not names:
        return []
    return measure_ratios(names, counts, np.stack(columns, axis=1), seed)


def chunks_touched(boundary_WL: Mask, length: int, closes: bool) -> npt.NDArray[np.int64]:
    """Chunks that a stretch of `length` bases touches, for every start, shape (windows, starts).

    1 is a stretch that is not split. A boundary at its first base begins a chunk there and splits
    nothing; where boundaries close chunks, so does one at its last base.
    """
    total_WL = np.zeros((len(boundary_WL), boundary_WL.shape[1] + 1), dtype=np.int64)
    total_WL[:, 1:] = np.cumsum(boundary_WL, axis=1)
    starts = boundary_WL.shape[1] - length + 1
    first, last = (0, length - 1) if closes else (1, length)
    return 1 + total_WL[:, last : last + starts] - total_WL[:, first : first + starts]
