"""The SwiGLU feed-forward layer."""

from torch import Tensor, nn

from genomenet.nn.linear import Linear
from genomenet.ops.swiglu import swiglu


class SwiGLU(nn.Module):
    """fc2(silu(gate) * up), where fc1 gives up in its first half and gate in its second.

    Source: github.com/goombalab/hnet (the order of the halves matters to
    whoever loads published weights).

    Parameters
    ----------
    d_model : int
        Width outside.
    width : int
        Hidden width.
    """

    def __init__(self, d_model: int, width: int):
        super().__init__()
        self.fc1 = Linear(d_model, 2 * width, bias=False)
        self.fc2 = Linear(width, d_model, bias=False)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Apply to every position alike."""
        return self.fc2(swiglu(self.fc1(x_BLD)))
