"""Root-mean-square normalisation layers."""

import torch
from torch import Tensor, nn

from genomenet.ops.norm import gated_rms_norm, rms_norm

EPSILON = 1e-5


class RMSNorm(nn.Module):
    """x / rms(x) * weight over the last dimension, statistics in float32.

    Parameters
    ----------
    d_model : int
        Width of the last dimension.
    """

    def __init__(self, d_model: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Normalise; the result has the dtype of `x_BLD`."""
        return rms_norm(x_BLD, self.weight, EPSILON)


class GatedRMSNorm(nn.Module):
    """RMSNorm(y * silu(z)) * weight, the norm that closes a Mamba-2 mixer.

    Parameters
    ----------
    d_inner : int
        Width of the last dimension.
    """

    def __init__(self, d_inner: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_inner))

    def forward(self, y_BLD: Tensor, z_BLD: Tensor) -> Tensor:
        """Gate `y_BLD` by `z_BLD` and normalise."""
        return gated_rms_norm(y_BLD, z_BLD, self.weight, EPSILON)
