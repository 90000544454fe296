"""The windows a patcher is calibrated on, as a model reads them, and how long their chunks are."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from genomenet.chunking.boundaries import Boundaries, Positions
from genomenet.chunking.noise import WORD, hash_recent
from genomenet.chunking.recent import recent
from genomenet.chunking.valued import ValuedChunker
from genomenet.genome.genome import Genome
from genomenet.training.batch import HostBatch, to_device
from genomenet.training.calibration_config import CalibrateConfig
from genomenet.training.inputs import training_windows
from genomenet.training.threshold import Sample
from genomenet.windows.held_out import HeldOutTiles
from genomenet.windows.splits import Splits
from genomenet.windows.window_batch import WindowBatch

BATCH_BP = 131_072
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
CPU = torch.device("cpu")


def training_positions(config: CalibrateConfig, genome: Genome, splits: Splits) -> Positions:
    """The first windows that a run with the same seed would train on, up to `sample_bp`."""
    data = config.data
    windows = training_windows(data, genome, splits, config.seed)
    count = min(config.sample_bp // data.max_length, windows.first_sample(1))
    return _positions(windows.batch, count, data.max_length)


def held_out_positions(config: CalibrateConfig, genome: Genome, splits: Splits) -> Positions:
    """Windows of the validation split, up to `sample_bp`, spread evenly."""
    length_bp = config.data.max_length
    limit = max(1, config.sample_bp // length_bp)
    tiles = HeldOutTiles(genome, splits.require("valid"), length_bp, limit=limit)
    return _positions(tiles.batch, len(tiles), length_bp)


def _positions(read: Callable[[int, int], WindowBatch], count: int, length_bp: int) -> Positions:
    size = max(1, BATCH_BP // length_bp)
    parts = [
        to_device(HostBatch(read(first, min(size, count - first))), CPU)
        for first in range(0, count, size)
    ]
    scores = [part.scores_BL for part in parts if part.scores_BL is not None]
    return Positions(
        valid_BL=torch.cat([part.valid_BL for part in parts]),
        tokens_BL=torch.cat([part.tokens_BL for part in parts]),
        masked_BL=torch.cat([part.masked_BL for part in parts]),
        scores_BL=torch.cat(scores) if scores else None,
    )


def with_values(chunker: ValuedChunker, positions: Positions) -> Sample:
    """The values of a chunker at all positions; computed where torch finds a GPU, kept here."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    chunker = chunker.to(device)
    rows, length = positions.valid_BL.shape
    tokens_BL = positions.tokens_BL
    assert tokens_BL is not None, "windows have tokens"
    size = max(1, BATCH_BP // length)
    values, words = [], []
    for first in range(0, rows, size):
        here = slice(first, first + size)
        part = Positions(
            positions.valid_BL[here].to(device),
            tokens_BL[here].to(device),
            None,
            None if positions.scores_BL is None else positions.scores_BL[here].to(device),
        )
        values.append(chunker.values(part).cpu())
        words.append(hash_recent(recent(tokens_BL[here], WORD)))
    value_BL = torch.cat(values)
    forced_BL = torch.zeros(1, length, dtype=torch.bool)
    if chunker.reset:
        forced_BL[:, :: chunker.reset] = True
    return Sample(
        positions=positions,
        value_BL=value_BL,
        before_BL=F.pad(value_BL[:, :-1], (1, 0)),
        word_BL=torch.cat(words),
        forced_BL=forced_BL.expand(rows, -1),
    )


def chunk_statistics(boundaries: Boundaries) -> dict[str, Any]:
    """Number, mean and quantiles of chunk lengths; a window's last chunk ends with it."""
    row_S, start_S = boundaries.mask.nonzero(as_tuple=True)
    end_S = boundaries.valid.sum(1)[row_S]
    same_row = row_S[1:] == row_S[:-1]
    end_S[:-1] = torch.where(same_row, start_S[1:], end_S[:-1])
    lengths = (end_S - start_S).sort().values
    return {
        "windows": len(boundaries.mask),
        "positions": int(boundaries.valid.sum()),
        "chunks": len(lengths),
        "mean": boundaries.positions_per_chunk.item(),
        "quantiles": {f"{share:g}": quantile(lengths, share) for share in SHARES},
        "longest": int(lengths[-1]),
    }


def value_quantiles(sample: Sample) -> dict[str, float]:
    """Quantiles of the values of all positions that have one."""
    values = sample.value_BL[sample.positions.valid_BL]
    values = values[torch.isfinite(values)].sort().values
    return {f"{share:g}": quantile(values, share) for share in SHARES}


def quantile(ordered: Tensor, share: float) -> float:
    """The element of sorted values below which the share lies; no limit of size, unlike torch's."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)].item()
