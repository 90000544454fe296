"""Root-mean-square normalisation layers."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genomenet.ops.norm import gated_rms_norm, rms_norm
from genomenet.ops.precision import scan_dtype

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

    def step(self, x_RD: Tensor) -> Tensor:
        """Normalise one position a row: too few numbers to be worth the blocks of `forward`."""
        return _plain_rms_norm(x_RD, self.weight).to(x_RD.dtype)


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

    def step(self, y_RD: Tensor, z_RD: Tensor) -> Tensor:
        """Gate and normalise one position a row, as `RMSNorm.step` does."""
        dtype = scan_dtype(y_RD, z_RD, self.weight)
        gated_RD = y_RD.to(dtype) * F.silu(z_RD.to(dtype))
        return _plain_rms_norm(gated_RD, self.weight).to(y_RD.dtype)


def _plain_rms_norm(x_RD: Tensor, weight_D: Tensor) -> Tensor:
    dtype = scan_dtype(x_RD, weight_D)
    return F.rms_norm(x_RD.to(dtype), weight_D.shape, weight_D.to(dtype), EPSILON)
