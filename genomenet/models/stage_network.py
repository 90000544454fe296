"""What all networks of a hierarchy share: taking in vectors of the stage outside."""

import torch
from torch import Tensor, nn


class StageNetwork(nn.Module):
    """A network that may be wider than the stage outside it.

    What comes in is extended by one trainable vector, and what goes out is cut back. Source:
    H-Net (arXiv 2507.07955) section 2.3, after SpaceByte.

    Parameters
    ----------
    d_model : int
        Width of this stage.
    outer_width : int
        Width of the vectors that come in.
    """

    def __init__(self, d_model: int, outer_width: int):
        super().__init__()
        self.d_model = d_model
        self.outer_width = outer_width
        self.pad_dimension = (
            nn.Parameter(torch.zeros(d_model - outer_width)) if d_model > outer_width else None
        )

    def widen(self, x: Tensor) -> Tensor:
        """Vectors (..., outer_width) to (..., d_model)."""
        if self.pad_dimension is None:
            return x
        pad = self.pad_dimension.to(x.dtype).expand(*x.shape[:-1], -1)
        return torch.cat([x, pad], dim=-1)
