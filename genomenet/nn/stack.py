"""Pre-norm blocks and the isotropic stack of them."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from genomenet.nn.attention import CausalAttention
from genomenet.nn.mamba2 import Mamba2
from genomenet.nn.mlp import SwiGLU
from genomenet.nn.moe import MixtureOfExperts
from genomenet.nn.norm import RMSNorm
from genomenet.nn.stage import StageConfig
from genomenet.ops import backend
from genomenet.ops.packing import Packing


class Block(nn.Module):
    """One layer: x + mixer(norm1(x)), then x + mlp(norm2(x)) when the letter is upper case.

    Parameters
    ----------
    letter : str
        m, M, t, T or E; see genomenet/nn/layout.py.
    numbers : StageConfig
        Widths of the stage.

    Attributes
    ----------
    recomputes : bool
        Work out activations anew in the backward pass instead of keeping them.
    """

    def __init__(self, letter: str, numbers: StageConfig):
        super().__init__()
        self.recomputes = False
        d_model = numbers.d_model
        self.norm1 = RMSNorm(d_model)
        self.mixer: CausalAttention | Mamba2
        if letter in "tTE":
            self.mixer = CausalAttention(
                d_model,
                numbers.head_dim,
                numbers.rotary_dim,
                numbers.window,
                numbers.rope_base,
            )
        else:
            self.mixer = Mamba2(
                d_model, numbers.d_inner, numbers.mamba_head_dim, numbers.d_state, numbers.d_conv
            )
        self.norm2: RMSNorm | None = None
        self.mlp: nn.Module | None = None
        if width := numbers.mlp_width(letter):
            self.norm2 = RMSNorm(d_model)
            self.mlp = (
                MixtureOfExperts(d_model, width, numbers.experts, numbers.experts_per_position)
                if letter == "E"
                else SwiGLU(d_model, width)
            )

    def forward(
        self, x_BLD: Tensor, valid_BL: Tensor | None = None, packing: Packing | None = None
    ) -> Tensor:
        """Add the layer's contributions to the residual stream, in the stream's dtype.

        `valid_BL` is False at right padding: only the balance of experts asks for it.
        """
        if self.recomputes and torch.is_grad_enabled():
            return checkpoint(self._add, x_BLD, valid_BL, packing, use_reentrant=False)
        return self._add(x_BLD, valid_BL, packing)

    def _add(self, x_BLD: Tensor, valid_BL: Tensor | None, packing: Packing | None) -> Tensor:
        x_BLD = x_BLD + self.mixer(self.norm1(x_BLD), packing)
        if self.mlp is not None and self.norm2 is not None:
            h_BLD = self.norm2(x_BLD)
            mixture = isinstance(self.mlp, MixtureOfExperts)
            x_BLD = x_BLD + (self.mlp(h_BLD, valid_BL) if mixture else self.mlp(h_BLD))
        return x_BLD

    def new_state(self, batch_size: int, device: torch.device) -> Any:
        """What the mixer remembers; all else in a layer sees one position at a time."""
        return self.mixer.new_state(batch_size, device)

    def step(self, x_RD: Tensor, state: Any, rows_R: Tensor) -> Tensor:
        """One more position of the rows named; equals `forward` at that position."""
        x_RD = x_RD + self.mixer.step(self.norm1.step(x_RD), state, rows_R)
        if self.mlp is not None and self.norm2 is not None:
            x_RD = x_RD + self.mlp(self.norm2.step(x_RD))
        return x_RD

    def read(self, x_BLD: Tensor, valid_BL: Tensor, state: Any) -> Tensor:
        """Many positions behind the state; equals a loop of `step` over the valid ones."""
        x_BLD = x_BLD + self.mixer.read(self.norm1(x_BLD), valid_BL, state)
        if self.mlp is not None and self.norm2 is not None:
            x_BLD = x_BLD + self.mlp(self.norm2(x_BLD))
        return x_BLD


class IsotropicStack(nn.Module):
    """Blocks of one width over one resolution, closed by an RMSNorm unless told otherwise.

    The residual stream is float32 whatever the autocast (float64 stays float64): small
    contributions of late layers would otherwise vanish in it. Source: github.com/goombalab/hnet.

    Parameters
    ----------
    letters : str
        One letter a layer.
    numbers : StageConfig
        Widths of the stage.
    closing_norm : bool
        Whether the stack ends with an RMSNorm.

    Attributes
    ----------
    residual_writes : int
        How often the stack adds to its residual stream: a mixer once, an MLP once.
    """

    def __init__(self, letters: str, numbers: StageConfig, closing_norm: bool = True):
        super().__init__()
        self.layers = nn.ModuleList(Block(letter, numbers) for letter in letters)
        self.residual_writes = sum(2 if letter.isupper() else 1 for letter in letters)
        self.rmsnorm = RMSNorm(numbers.d_model) if closing_norm else None
        self._looks_back = [
            *(["attention"] if set(letters) & set("tTE") else []),
            *(["ssd", "conv"] if set(letters) & set("mM") else []),
        ]

    def packs(self, device: torch.device) -> bool:
        """Whether rows of different lengths are packed: where CUDA packages serve all mixers.

        Torch would pad the rows again for every mixer.
        """
        half = torch.is_autocast_enabled(device.type)
        dtype = torch.get_autocast_dtype(device.type) if half else next(self.parameters()).dtype
        return backend.packs(self._looks_back, device, dtype)

    def forward(
        self, x_BLD: Tensor, valid_BL: Tensor | None = None, packing: Packing | None = None
    ) -> Tensor:
        """(B, L, D) to (B, L, D); every position sees itself and earlier ones only.

        `valid_BL` is False at right padding: only the balance of experts asks for it. With a
        packing of the rows, layers work on what is valid alone, and the padding becomes zeros.
        """
        x_BLD = x_BLD.to(torch.promote_types(x_BLD.dtype, torch.float32))
        if packing is not None:
            x_BLD, valid_BL = packing.pack(x_BLD), None
        for layer in self.layers:
            x_BLD = layer(x_BLD, valid_BL, packing)
        if self.rmsnorm is not None:
            x_BLD = self.rmsnorm(x_BLD)
        return x_BLD if packing is None else packing.unpack(x_BLD)

    def new_state(self, batch_size: int, device: torch.device) -> list[Any]:
        """The states of all layers for `batch_size` empty sequences."""
        layers: Iterable[Any] = self.layers
        return [layer.new_state(batch_size, device) for layer in layers]

    def step(self, x_RD: Tensor, state: list[Any], rows_R: Tensor) -> Tensor:
        """One more position of some rows; equals `forward` at that position.

        Parameters
        ----------
        x_RD : Tensor
            The vector of the position in each row.
        state : list
            From `new_state`; the rows named are brought up to date in place.
        rows_R : Tensor of int64
            The rows that step: different ones, in ascending order.

        Returns
        -------
        Tensor
            (R, D).
        """
        layers: Iterable[Any] = self.layers
        x_RD = x_RD.to(torch.promote_types(x_RD.dtype, torch.float32))
        for layer, layer_state in zip(layers, state, strict=True):
            x_RD = layer.step(x_RD, layer_state, rows_R)
        return x_RD if self.rmsnorm is None else self.rmsnorm.step(x_RD)

    def read(self, x_BLD: Tensor, valid_BL: Tensor, state: list[Any]) -> Tensor:
        """Many positions at once; equals a loop of `step` over the valid ones.

        Parameters
        ----------
        x_BLD : Tensor
            Vectors of the next positions of every row, right-padded; L is at least 1.
        valid_BL : Tensor of bool
            False at padding. A row may have no valid position at all.
        state : list
            From `new_state`; brought up to date in place, each row to its last valid position.

        Returns
        -------
        Tensor
            (B, L, D), arbitrary at padding.
        """
        layers: Iterable[Any] = self.layers
        x_BLD = x_BLD.to(torch.promote_types(x_BLD.dtype, torch.float32))
        for layer, layer_state in zip(layers, state, strict=True):
            x_BLD = layer.read(x_BLD, valid_BL, layer_state)
        return x_BLD if self.rmsnorm is None else self.rmsnorm(x_BLD)
