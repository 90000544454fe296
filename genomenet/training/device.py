"""Which device a run works on."""

import torch

from genomenet.training.config import TrainConfig


def uses_gpu(train: TrainConfig) -> bool:
    """Whether the recipe allows a CUDA device and torch finds one."""
    return train.accelerator != "cpu" and torch.cuda.is_available()
