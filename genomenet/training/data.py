"""The Lightning data module: windows of a genome as micro-batches, resumable by a counter."""

from collections.abc import Callable, Iterator
from pathlib import Path

import lightning as L
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from genomenet.errors import UserError
from genomenet.genome.genome import Genome, open_genome
from genomenet.genome.held_out import HeldOutTiles
from genomenet.genome.mock import MockGenome
from genomenet.genome.scored_genome import ScoredGenome
from genomenet.genome.splits import (
    Splits,
    split_by_bed,
    split_by_chromosome,
    split_by_fraction,
)
from genomenet.genome.text import TextCorpus
from genomenet.genome.window_batch import WindowBatch
from genomenet.genome.windows import TrainingWindows
from genomenet.training.batch import HostBatch, StepBatch, to_device
from genomenet.training.config import DataConfig, RunConfig, SplitConfig
from genomenet.training.device import uses_gpu

CPU_MICRO_BATCH_BP = 4096
"""Larger micro-batches leave a CPU's cache, which costs more per base than they save in calls."""
GPU_MICRO_BATCH_BP = 131_072


def open_data(data: DataConfig) -> tuple[Genome, Splits]:
    """The genome of a data config, with its scores where a track is named, and its splits.

    Raises
    ------
    UserError
        When the genome or the track is missing or a split can't be made of it.
    """
    genome = _open(data)
    if data.track:
        genome = ScoredGenome(genome, Path(data.track))
    return genome, make_splits(genome, data.split)


def make_splits(genome: Genome, split: SplitConfig) -> Splits:
    """The splits of a genome.

    Raises
    ------
    UserError
        When the split can't be made of it.
    """
    if split.by == "bed":
        if not split.bed:
            raise UserError("data.split.bed is missing: name the BED file of labelled intervals")
        return split_by_bed(genome, Path(split.bed))
    if split.by == "chromosome":
        return split_by_chromosome(genome, split.train, split.valid, split.test)
    return split_by_fraction(
        genome, split.valid_fraction, split.test_fraction, split.block_bp, split.seed
    )


def _open(data: DataConfig) -> Genome:
    if data.mock:
        return MockGenome()
    return TextCorpus(data.text) if data.text else open_genome(data.genome)


def windows_per_pass(config: RunConfig) -> int:
    """Windows of the run's length that suit one forward pass on its device."""
    budget_bp = GPU_MICRO_BATCH_BP if uses_gpu(config.train) else CPU_MICRO_BATCH_BP
    return max(1, budget_bp // config.data.max_length)


def micro_batch_size(config: RunConfig) -> int:
    """Windows per training pass: as configured, or the largest divisor of the step that suits."""
    if config.train.micro_batch_size:
        return config.train.micro_batch_size
    step = config.train.global_batch_size
    most = min(windows_per_pass(config), step)
    return max(size for size in range(1, most + 1) if step % size == 0)


class MicroBatches(Dataset):
    """Micro-batch number i of a run, a pure function of i: a counter is all there is to resume.

    Parameters
    ----------
    windows : TrainingWindows
        The training split.
    config : RunConfig
        Batch sizes and loss weights.
    size : int
        Windows per micro-batch.
    """

    def __init__(self, windows: TrainingWindows, config: RunConfig, size: int):
        self.windows = windows
        self.step_size = config.train.global_batch_size
        self.soft_mask_weight = config.data.soft_mask_weight
        self.size = size
        self.per_step = self.step_size // size
        self._weight_of_step = (-1, 0.0)

    def __getitem__(self, number: int) -> HostBatch:
        step, part = divmod(number, self.per_step)
        first = step * self.step_size
        windows = self.windows.batch(first + part * self.size, self.size)
        return HostBatch(windows, self._step_weight(step, windows), self.per_step)

    def _step_weight(self, step: int, windows: WindowBatch) -> float:
        if self._weight_of_step[0] != step:
            if self.per_step > 1:
                windows = self.windows.batch(step * self.step_size, self.step_size)
            known = windows.codes < windows.alphabet.scored_codes
            masked = float(np.count_nonzero(known & windows.masked))
            weight = np.count_nonzero(known) - (1 - self.soft_mask_weight) * masked
            self._weight_of_step = (step, float(weight))
        return self._weight_of_step[1]


class Tiles(Dataset):
    """Held-out tiles in batches of `size`, each base once."""

    def __init__(self, tiles: HeldOutTiles, size: int):
        self.tiles = tiles
        self.size = size

    def __len__(self) -> int:
        return -(-len(self.tiles) // self.size)

    def __getitem__(self, number: int) -> HostBatch:
        first = number * self.size
        return HostBatch(self.tiles.batch(first, min(self.size, len(self.tiles) - first)))


class CountFrom(Sampler[int]):
    """Numbers from where the run stands up to `stop`; asked anew whenever a loop begins."""

    def __init__(self, start: Callable[[], int], stop: int):
        self.start = start
        self.stop = stop

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start(), self.stop))

    def __len__(self) -> int:
        return self.stop


class GenomeDataModule(L.LightningDataModule):
    """Training windows and held-out tiles of one genome.

    Parameters
    ----------
    config : RunConfig
        Data, batch sizes, seed.
    size : int
        Windows per micro-batch.
    """

    def __init__(self, config: RunConfig, size: int):
        super().__init__()
        self.config = config
        self.size = size
        self.genome, self.splits = open_data(config.data)
        data = config.data
        self.training_windows = TrainingWindows(
            self.genome,
            self.splits.require("train"),
            data.max_length,
            config.train.seed,
            data.rc_aug,
        )
        self.valid_tiles = HeldOutTiles(
            self.genome,
            self.splits.require("valid"),
            data.max_length,
            limit=config.train.valid_windows or None,
        )

    @property
    def micro_batches_per_step(self) -> int:
        """Micro-batches that one optimiser step accumulates."""
        return self.config.train.global_batch_size // self.size

    def train_dataloader(self) -> DataLoader:
        """Micro-batches from the step the trainer has reached."""
        per_step = self.micro_batches_per_step
        return self._loader(
            MicroBatches(self.training_windows, self.config, self.size),
            CountFrom(self._batches_done, self.config.train.max_steps * per_step),
        )

    def val_dataloader(self) -> DataLoader:
        """The validation tiles, always the same ones."""
        return self._loader(Tiles(self.valid_tiles, self.size), None)

    def transfer_batch_to_device(
        self, batch: HostBatch, device: torch.device, dataloader_idx: int
    ) -> StepBatch:
        """Move codes as uint8; reverse complements and casts happen on the device."""
        return to_device(batch, device, self.config.data.soft_mask_weight)

    def _batches_done(self) -> int:
        trainer = self.trainer
        return trainer.global_step * self.micro_batches_per_step if trainer is not None else 0

    def _loader(self, dataset: Dataset, sampler: Sampler | None) -> DataLoader:
        workers = self.config.train.workers
        return DataLoader(
            dataset,
            batch_size=None,
            sampler=sampler,
            num_workers=workers,
            multiprocessing_context="fork" if workers else None,
            persistent_workers=False,
        )
