"""Pre-norm blocks and the isotropic stack of them."""

import torch
from torch import Tensor, nn

from genomenet.nn.attention import CausalAttention
from genomenet.nn.mamba2 import Mamba2
from genomenet.nn.mlp import SwiGLU
from genomenet.nn.norm import RMSNorm
from genomenet.nn.stage import StageConfig


class Block(nn.Module):
    """One layer: x + mixer(norm1(x)), then x + mlp(norm2(x)) when the letter is upper case.

    Parameters
    ----------
    letter : str
        m, M, t or T; see genomenet/nn/layout.py.
    numbers : StageConfig
        Widths of the stage.
    """

    def __init__(self, letter: str, numbers: StageConfig):
        super().__init__()
        d_model = numbers.d_model
        self.norm1 = RMSNorm(d_model)
        self.mixer: nn.Module
        if letter in "tT":
            self.mixer = CausalAttention(
                d_model, numbers.head_dim, numbers.rotary_dim, numbers.window
            )
        else:
            self.mixer = Mamba2(
                d_model, numbers.d_inner, numbers.mamba_head_dim, numbers.d_state, numbers.d_conv
            )
        self.norm2, self.mlp = None, None
        if width := numbers.mlp_width(letter):
            self.norm2 = RMSNorm(d_model)
            self.mlp = SwiGLU(d_model, width)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Add the layer's contributions to the residual stream, in the stream's dtype."""
        x_BLD = x_BLD + self.mixer(self.norm1(x_BLD))
        if self.mlp is not None and self.norm2 is not None:
            x_BLD = x_BLD + self.mlp(self.norm2(x_BLD))
        return x_BLD


class IsotropicStack(nn.Module):
    """Blocks of one width over one resolution, closed by an RMSNorm.

    The residual stream is float32 whatever the autocast (float64 stays float64): small
    contributions of late layers would otherwise vanish in it. Source: github.com/goombalab/hnet.

    Parameters
    ----------
    letters : str
        One letter a layer.
    numbers : StageConfig
        Widths of the stage.

    Attributes
    ----------
    residual_writes : int
        How often the stack adds to its residual stream: a mixer once, an MLP once.
    """

    def __init__(self, letters: str, numbers: StageConfig):
        super().__init__()
        self.layers = nn.ModuleList(Block(letter, numbers) for letter in letters)
        self.residual_writes = sum(2 if letter.isupper() else 1 for letter in letters)
        self.rmsnorm = RMSNorm(numbers.d_model)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """(B, L, D) to (B, L, D); every position sees itself and earlier ones only."""
        x_BLD = x_BLD.to(torch.promote_types(x_BLD.dtype, torch.float32))
        for layer in self.layers:
            x_BLD = layer(x_BLD)
        return self.rmsnorm(x_BLD)
