"""The stage of H-Net and SpaceByte, and the innermost network that every hierarchy ends in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genomenet.chunking.boundaries import Boundaries, Positions
from genomenet.chunking.chunk import find_chunks
from genomenet.chunking.dechunk import (
    confidence,
    place,
    smooth,
    smooth_step,
    spread,
    to_bfloat16_and_back,
)
from genomenet.chunking.guards import GuardState, decide, step_guards
from genomenet.models.chunkers import make_chunker, make_guards
from genomenet.models.config import ModelConfig
from genomenet.models.stage_network import StageNetwork
from genomenet.nn.rows import put_rows, take_rows
from genomenet.nn.stack import IsotropicStack


@dataclass
class InnermostState:
    """What the innermost network remembers of a prefix.

    Attributes
    ----------
    layers : list
        The states of its layers.
    steps_B : Tensor of int64
        Steps taken by each row.
    """

    layers: list[Any]
    steps_B: Tensor

    @property
    def steps(self) -> tuple[int, ...]:
        """Steps taken by all rows, as a stage outside has it."""
        return (int(self.steps_B.sum()),)


@dataclass
class HierarchicalState:
    """What a stage and all within remember of a prefix.

    Attributes
    ----------
    encoder, decoder : list
        The states of their layers.
    chunker : object
        The chunker's own.
    guards : GuardState
        The guards'.
    main : object
        The network's within; its rows step at boundaries only.
    chunk_BD : Tensor
        The vector that positions read until the next boundary; smoothed, where there is
        smoothing.
    """

    encoder: list[Any]
    decoder: list[Any]
    chunker: Any
    guards: GuardState
    main: Any
    chunk_BD: Tensor

    @property
    def steps(self) -> tuple[int, ...]:
        """Steps taken by all rows, one number a stage, outermost first."""
        return (int(self.guards.position_B.sum()), *self.main.steps)


class InnermostNetwork(StageNetwork):
    """The main network; on its own, an isotropic model.

    Parameters
    ----------
    config : ModelConfig
        The model.
    outer_width : int
        Width of the vectors that come in.
    """

    def __init__(self, config: ModelConfig, outer_width: int):
        layout = config.networks()
        super().__init__(config.stage(layout.stages).d_model, outer_width)
        self.main_network = IsotropicStack(
            layout.main,
            config.stage(layout.stages),
            closing_norm=config.inner_norms or layout.stages == 0,
        )

    def forward(self, x_BLD: Tensor, positions: Positions) -> tuple[Tensor, tuple[()]]:
        """(B, L, outer_width) to the same shape; right padding can't change what it follows."""
        return self.main_network(self.widen(x_BLD), positions.valid_BL)[..., : self.outer_width], ()

    def new_state(self, batch_size: int, device: torch.device) -> InnermostState:
        """The state of `batch_size` empty sequences."""
        steps_B = torch.zeros(batch_size, dtype=torch.int64, device=device)
        return InnermostState(self.main_network.new_state(batch_size, device), steps_B)

    def step(
        self, x_RD: Tensor, position: Positions, state: InnermostState, rows_R: Tensor
    ) -> Tensor:
        """One more position of the rows named; equals `forward` at that position."""
        state.steps_B[rows_R] += 1
        y_RD = self.main_network.step(self.widen(x_RD), state.layers, rows_R)
        return y_RD[..., : self.outer_width]


class HierarchicalNetwork(StageNetwork):
    """Encode positions, select chunks, run the network within, spread the chunks, and decode.

    Parameter names are those of the published checkpoints. Source: H-Net section 2.

    Parameters
    ----------
    config : ModelConfig
        The model.
    stage : int
        0 at base resolution.
    outer_width : int
        Width of the vectors that come in.
    make_inner : callable
        Makes the network within for chunk vectors of a given width; called once.
    """

    def __init__(
        self,
        config: ModelConfig,
        stage: int,
        outer_width: int,
        make_inner: Callable[[int], Any],
    ):
        layout, numbers = config.networks(), config.stage(stage)
        super().__init__(numbers.d_model, outer_width)
        self.guards = make_guards(config, stage)
        self.unpool, self.straight_through = config.unpool, config.straight_through
        self.parity = config.parity
        self.encoder = IsotropicStack(
            layout.encoders[stage], numbers, closing_norm=config.inner_norms
        )
        self.routing_module = make_chunker(config, stage)
        # SpaceByte adds chunks to the encoder's output as it is.
        self.residual_proj = (
            nn.Linear(self.d_model, self.d_model) if self.unpool != "boundary" else None
        )
        self.main_network = make_inner(self.d_model)
        self.decoder = IsotropicStack(
            layout.decoders[stage], numbers, closing_norm=config.inner_norms or stage == 0
        )

    def forward(self, x_BLD: Tensor, positions: Positions) -> tuple[Tensor, tuple[Boundaries, ...]]:
        """Run the network.

        Parameters
        ----------
        x_BLD : Tensor
            Vectors of the width of the stage outside this one.
        positions : Positions
            What stands at them; right padding can't change a valid position.

        Returns
        -------
        Tensor
            (B, L, D) of the width that came in.
        tuple of Boundaries
            The decisions of every stage from this one inwards.
        """
        x_BLD = self.encoder(self.widen(x_BLD), positions.valid_BL)
        boundaries = decide(self.routing_module, x_BLD, positions, self.guards)
        chunks = find_chunks(boundaries.mask)
        h_BSD, inner = self.main_network(chunks.select(x_BLD), Positions(chunks.valid_BS))
        residual_BLD = self.residual(x_BLD)
        if self.unpool == "boundary":
            x_BLD = place(h_BSD, chunks, x_BLD.shape[1]) + residual_BLD
        else:
            if self.unpool == "smooth":
                h_BSD = smooth(h_BSD, chunks, boundaries, self.parity)
            x_BLD = spread(h_BSD, boundaries, self.straight_through) + residual_BLD
        y_BLD = self.decoder(x_BLD, positions.valid_BL)
        return y_BLD[..., : self.outer_width], (boundaries, *inner)

    def residual(self, x: Tensor) -> Tensor:
        """What goes around the network within: float32 whatever the autocast."""
        if self.residual_proj is None:
            return x
        with torch.autocast(x.device.type, enabled=False):
            return self.residual_proj(x)

    def new_state(self, batch_size: int, device: torch.device) -> HierarchicalState:
        """The state of `batch_size` empty sequences."""
        exact = torch.promote_types(next(self.parameters()).dtype, torch.float32)
        return HierarchicalState(
            self.encoder.new_state(batch_size, device),
            self.decoder.new_state(batch_size, device),
            self.routing_module.new_state(batch_size, device),
            GuardState.new(batch_size, device),
            self.main_network.new_state(batch_size, device),
            torch.zeros(batch_size, self.d_model, dtype=exact, device=device),
        )

    def step(
        self, x_RD: Tensor, position: Positions, state: HierarchicalState, rows_R: Tensor
    ) -> Tensor:
        """One more position of some rows; equals `forward` at that position.

        Parameters
        ----------
        x_RD : Tensor
            The vector of the position in each row.
        position : Positions
            What stands there, of shape (R, 1).
        state : HierarchicalState
            From `new_state`; the rows named are brought up to date in place.
        rows_R : Tensor of int64
            The rows that step: different ones, in ascending order.

        Returns
        -------
        Tensor
            (R, D) of the width that came in.
        """
        x_RD = self.encoder.step(self.widen(x_RD), state.encoder, rows_R)
        asked_R = self.routing_module.step(x_RD, position, state.chunker, rows_R)
        p_R, mask_R = step_guards(asked_R, position, self.guards, state.guards, rows_R)
        at_S = mask_R.nonzero()[:, 0]
        if len(at_S):
            rows_S = rows_R[at_S]
            here = Positions(position.valid_BL[at_S])
            h_SD = self.main_network.step(x_RD[at_S], here, state.main, rows_S)
            if self.unpool == "smooth":
                before_SD = take_rows(state.chunk_BD, rows_S)
                h_SD = smooth_step(before_SD, h_SD, p_R[at_S], self.parity)
            put_rows(state.chunk_BD, rows_S, h_SD)
        read_RD = take_rows(state.chunk_BD, rows_R)
        if self.unpool == "smooth" and self.parity:
            read_RD = to_bfloat16_and_back(read_RD)
        if self.unpool == "boundary":
            read_RD = read_RD * mask_R.unsqueeze(-1)
        elif not self.straight_through:
            read_RD = read_RD * confidence(p_R, mask_R).to(read_RD.dtype).unsqueeze(-1)
        y_RD = self.decoder.step(read_RD + self.residual(x_RD), state.decoder, rows_R)
        return y_RD[..., : self.outer_width]
