"""The stage of H-Net and SpaceByte, and the innermost network that every hierarchy ends in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genomenet.chunking.boundaries import Boundaries, Positions
from genomenet.chunking.chunk import find_chunks
from genomenet.chunking.dechunk import (
    confidence,
    place,
    smooth,
    smooth_behind,
    smooth_step,
    spread,
    to_bfloat16_and_back,
)
from genomenet.chunking.guards import decide
from genomenet.models.chunking_network import ChunkingNetwork, ChunkingState
from genomenet.models.config import ModelConfig
from genomenet.models.stage_network import StageNetwork
from genomenet.nn.linear import Linear
from genomenet.nn.rows import latest, put_rows, take_rows
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
class HierarchicalState(ChunkingState):
    """What a stage and all within remember of a prefix.

    Attributes
    ----------
    chunk_BD : Tensor
        The vector that positions read until the next boundary; smoothed, where there is
        smoothing.
    """

    chunk_BD: Tensor


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
        y_BLD = self.main_network(self.widen(x_BLD), positions.valid_BL, positions.packing)
        return y_BLD[..., : self.outer_width], ()

    def packs(self, device: torch.device) -> bool:
        """Whether rows of chunks that come in are to be packed."""
        return self.main_network.packs(device)

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

    def read(
        self, x_BLD: Tensor, positions: Positions, state: InnermostState
    ) -> tuple[Tensor, tuple[()]]:
        """Many positions behind the state; equals a loop of `step` over the valid ones."""
        state.steps_B += positions.valid_BL.sum(1)
        y_BLD = self.main_network.read(self.widen(x_BLD), positions.valid_BL, state.layers)
        return y_BLD[..., : self.outer_width], ()


class HierarchicalNetwork(ChunkingNetwork):
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
        super().__init__(config, stage, outer_width)
        self.unpool, self.parity = config.unpool, config.parity
        # SpaceByte adds chunks to the encoder's output as it is.
        self.residual_proj = (
            Linear(self.d_model, self.d_model) if self.unpool != "boundary" else None
        )
        self.main_network = make_inner(self.d_model)
        self.decoder = self.make_decoder(config, stage)

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
        x_BLD = self.encoder(self.widen(x_BLD), positions.valid_BL, positions.packing)
        boundaries = decide(self.routing_module, x_BLD, positions, self.guards)
        chunks = self.find_chunks(boundaries, positions)
        within = Positions(chunks.valid_BS, packing=chunks.packing)
        h_BSD, inner = self.main_network(chunks.select(x_BLD), within)
        residual_BLD = self.residual(x_BLD)
        if self.unpool == "boundary":
            x_BLD = place(h_BSD, chunks, x_BLD.shape[1]) + residual_BLD
        else:
            if self.unpool == "smooth":
                h_BSD = smooth(h_BSD, chunks, boundaries, self.parity)
            x_BLD = spread(h_BSD, boundaries, self.straight_through) + residual_BLD
        y_BLD = self.decoder(x_BLD, positions.valid_BL, positions.packing)
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
        chunk_BD = torch.zeros(batch_size, self.d_model, dtype=exact, device=device)
        return HierarchicalState(**self.shared_state(batch_size, device), chunk_BD=chunk_BD)

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
        x_RD, p_R, mask_R = self.step_to_decision(x_RD, position, state, rows_R)
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

    def read(
        self, x_BLD: Tensor, positions: Positions, state: HierarchicalState
    ) -> tuple[Tensor, tuple[Boundaries, ...]]:
        """Many positions behind the state; equals a loop of `step` over the valid ones.

        Parameters
        ----------
        x_BLD : Tensor
            Vectors of the next positions of every row, right-padded; L is at least 1.
        positions : Positions
            What stands there. A row may have no valid position at all.
        state : HierarchicalState
            From `new_state`; brought up to date in place, each row to its last valid position.

        Returns
        -------
        tuple
            As of `forward`.
        """
        x_BLD, boundaries = self.read_to_decision(x_BLD, positions, state)
        chunks = find_chunks(boundaries.mask)
        h_BSD, inner = self.main_network.read(
            chunks.select(x_BLD), Positions(chunks.valid_BS), state.main
        )
        # Chunk 0 is the one that was open before; the first new one is chunk 1.
        if self.unpool == "smooth":
            probability_BS = boundaries.probability.gather(1, chunks.start_BS)
            h_BTD = smooth_behind(state.chunk_BD, h_BSD, probability_BS, self.parity)
        else:
            before_B1D = state.chunk_BD.unsqueeze(1)
            h_BTD = torch.cat([before_B1D, h_BSD.to(before_B1D.dtype)], 1)
        chunk_BL = boundaries.mask.cumsum(1)
        state.chunk_BD = latest(h_BTD, chunk_BL[:, -1], 1)[:, 0]
        if self.unpool == "smooth" and self.parity:
            h_BTD = to_bfloat16_and_back(h_BTD)
        index_BLD = chunk_BL.unsqueeze(-1).expand(-1, -1, h_BTD.shape[-1])
        read_BLD = h_BTD.gather(1, index_BLD)
        if self.unpool == "boundary":
            read_BLD = read_BLD * boundaries.mask.unsqueeze(-1)
        elif not self.straight_through:
            weight_BL = confidence(boundaries.probability, boundaries.mask)
            read_BLD = read_BLD * weight_BL.to(read_BLD.dtype).unsqueeze(-1)
        y_BLD = self.decoder.read(
            read_BLD + self.residual(x_BLD), positions.valid_BL, state.decoder
        )
        return y_BLD[..., : self.outer_width], (boundaries, *inner)
