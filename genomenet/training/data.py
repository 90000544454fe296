"""The Lightning data module: windows of a genome as micro-batches, resumable by a counter."""

import lightning as L
import torch

from genomenet.training.batch import HostBatch, StepBatch, to_device
from genomenet.training.config import RunConfig
from genomenet.training.device import uses_gpu
from genomenet.training.inputs import open_data, training_windows
from genomenet.training.loading import BatchLoader, Share, Steps, Tiles
from genomenet.training.ranks import rank, world_size
from genomenet.windows.held_out import HeldOutTiles

CPU_MICRO_BATCH_BP = 4096
"""Larger micro-batches leave a CPU's cache, which costs more per base than they save in calls."""
GPU_MICRO_BATCH_BP = 131_072


def windows_per_pass(config: RunConfig) -> int:
    """Windows of the run's length that suit one forward pass on its device."""
    budget_bp = GPU_MICRO_BATCH_BP if uses_gpu(config.train) else CPU_MICRO_BATCH_BP
    return max(1, budget_bp // config.data.max_length)


def micro_batch_size(config: RunConfig) -> int:
    """Windows per training pass of all devices: as configured, or the most that suits a device."""
    train = config.train
    if train.micro_batch_size:
        return train.micro_batch_size
    each = train.global_batch_size // train.world_size
    most = min(windows_per_pass(config), each)
    return train.world_size * max(size for size in range(1, most + 1) if each % size == 0)


class GenomeDataModule(L.LightningDataModule):
    """Training windows and held-out tiles of one genome.

    Parameters
    ----------
    config : RunConfig
        Data, batch sizes, seed.
    size : int
        Windows per micro-batch, on all ranks together.
    """

    def __init__(self, config: RunConfig, size: int):
        super().__init__()
        self.config = config
        self.size = size
        self.genome, self.splits = open_data(config.data)
        data = config.data
        self.training_windows = training_windows(data, self.genome, self.splits, config.train.seed)
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

    @property
    def _share(self) -> Share:
        return Share(rank(), world_size())

    def train_dataloader(self) -> BatchLoader:
        """Micro-batches from the step the trainer has reached."""
        return BatchLoader(
            Steps(self.training_windows, self.config, self.size, self._share),
            self.config.train.workers,
            self._steps_done,
        )

    def val_dataloader(self) -> BatchLoader:
        """The validation tiles, always the same ones."""
        share = self._share
        tiles = Tiles(self.valid_tiles, self.config, self.size // share.ranks, share)
        return BatchLoader(tiles, self.config.train.workers)

    def transfer_batch_to_device(
        self, batch: HostBatch, device: torch.device, dataloader_idx: int
    ) -> StepBatch:
        """Move codes as uint8; reverse complements and casts happen on the device."""
        return to_device(batch, device, self.config.data.soft_mask_weight)

    def _steps_done(self) -> int:
        return self.trainer.global_step if self.trainer is not None else 0
