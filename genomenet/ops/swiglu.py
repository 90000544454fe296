"""SwiGLU's product of both halves of a projection."""

from torch import Tensor
from torch.nn import functional as F

from genomenet.ops.native import library
from genomenet.ops.native.swiglu import NativeSwiGLU


def swiglu(up_gate: Tensor) -> Tensor:
    """``silu(gate) * up``, where `up` is the first half of the last dimension.

    Shazeer 2020, arXiv:2002.05202, equation 5, between its linear layers.

    Parameters
    ----------
    up_gate : Tensor
        (..., 2 W).

    Returns
    -------
    Tensor
        (..., W).
    """
    if library.serves(up_gate, dtypes=library.HALVES):
        return NativeSwiGLU.apply(up_gate)
    up, gate = up_gate.chunk(2, dim=-1)
    return F.silu(gate) * up
