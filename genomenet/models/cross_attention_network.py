"""The stage of BLT: chunks are pooled by cross-attention, and read by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genomenet.chunking.boundaries import Boundaries, Positions
from genomenet.chunking.chunk import find_chunks
from genomenet.chunking.dechunk import StraightThroughOne, confidence
from genomenet.chunking.guards import decide
from genomenet.models.chunking_network import ChunkingNetwork, ChunkingState
from genomenet.models.config import ModelConfig
from genomenet.nn.cross_attention import ChunkPooling, ChunkReading, OpenChunks
from genomenet.nn.linear import Linear
from genomenet.nn.rows import latest, put_rows, take_rows


@dataclass
class CrossAttentionState(ChunkingState):
    """What a stage and all within remember of a prefix.

    Attributes
    ----------
    open : OpenChunks
        The encoder's output since the last boundary.
    memories : list of Tensor
        What each reading remembers of the last patch that closed, (B, K, E) as
        `ChunkReading.remember` has it.
    """

    open: OpenChunks
    memories: list[Tensor]


class CrossAttentionNetwork(ChunkingNetwork):
    """Encode positions, pool them into patches, run the network within, read it, and decode.

    A patch closes at each boundary: it holds the positions since the boundary before, and is
    visible from its closing position on. Positions after the last boundary are in no patch.
    The decoder continues from the encoder's output, and reads the patches before each of its
    layers. Where the chunker is learned, what a position reads is weighted by the confidence of
    its boundary decision as in H-Net. Source: Byte Latent Transformer (arXiv:2412.09871)
    section 3.

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
        self.slots = config.slots
        sizes = (self.d_model, self.slots, config.stage(stage).head_dim, config.parity)
        self.pooling = ChunkPooling(*sizes)
        pooled_width, inner_width = self.slots * self.d_model, config.stage(stage + 1).d_model
        self.chunk_proj = (
            Linear(pooled_width, inner_width, bias=False) if pooled_width != inner_width else None
        )
        self.main_network = make_inner(inner_width)
        self.slot_proj = Linear(inner_width, pooled_width, bias=False)
        self.readings = nn.ModuleList(
            ChunkReading(*sizes) for _ in config.networks().decoders[stage]
        )
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
        mask_BL = boundaries.mask
        chunks = self.find_chunks(boundaries, positions)
        valid_BS = chunks.valid_BS
        closed_BL = mask_BL.cumsum(1)
        count_B1 = closed_BL[:, -1:]
        # The patch that closes here or later; none at the end of a row.
        pooled_BL = closed_BL - mask_BL.long()
        pooled_BL = torch.where(pooled_BL < count_B1, pooled_BL, -1)
        h_BSD = self.within(self.pooling(x_BLD, pooled_BL, valid_BS.shape[1]))
        h_BSD, inner = self.main_network(h_BSD, Positions(valid_BS, packing=chunks.packing))
        slots_BSKD = self.slot_proj(h_BSD).unflatten(-1, (self.slots, -1))
        confidence_BL = None
        if boundaries.probability.requires_grad or not self.straight_through:
            confidence_BL = confidence(boundaries.probability, mask_BL)
            if self.straight_through:
                confidence_BL = StraightThroughOne.apply(confidence_BL)
        for reading, layer in self._decoder_layers():
            x_BLD = reading(x_BLD, slots_BSKD, closed_BL - 1, confidence_BL)
            x_BLD = layer(x_BLD, positions.valid_BL)
        if self.decoder.rmsnorm is not None:
            x_BLD = self.decoder.rmsnorm(x_BLD)
        return x_BLD[..., : self.outer_width], (boundaries, *inner)

    def _decoder_layers(self) -> Iterator[tuple[Any, Any]]:
        """What reads the patches before every layer of the decoder, and the layer."""
        return zip(self.readings, self.decoder.layers, strict=True)

    def within(self, h: Tensor) -> Tensor:
        """Pooled slots at the width of the network within."""
        return h if self.chunk_proj is None else self.chunk_proj(h)

    def new_state(self, batch_size: int, device: torch.device) -> CrossAttentionState:
        """The state of `batch_size` empty sequences."""
        weight = self.slot_proj.weight
        kept = (self.slots, 2 * self.d_model) if self.slots > 1 else (1, self.d_model)
        return CrossAttentionState(
            **self.shared_state(batch_size, device),
            open=self.pooling.new_state(batch_size, device),
            memories=[
                torch.zeros(batch_size, *kept, dtype=weight.dtype, device=device)
                for _ in self.readings
            ],
        )

    def step(
        self, x_RD: Tensor, position: Positions, state: CrossAttentionState, rows_R: Tensor
    ) -> Tensor:
        """One more position of some rows; equals `forward` at that position.

        Parameters
        ----------
        x_RD : Tensor
            The vector of the position in each row.
        position : Positions
            What stands there, of shape (R, 1).
        state : CrossAttentionState
            From `new_state`; the rows named are brought up to date in place.
        rows_R : Tensor of int64
            The rows that step: different ones, in ascending order.

        Returns
        -------
        Tensor
            (R, D) of the width that came in.
        """
        x_RD, p_R, mask_R = self.step_to_decision(x_RD, position, state, rows_R)
        self.pooling.step(x_RD, state.open, rows_R)
        at_S = mask_R.nonzero()[:, 0]
        if len(at_S):
            rows_S = rows_R[at_S]
            here = Positions(position.valid_BL[at_S])
            h_SD = self.within(self.pooling.close(state.open, rows_S))
            h_SD = self.main_network.step(h_SD, here, state.main, rows_S)
            slots_SKD = self.slot_proj(h_SD).unflatten(-1, (self.slots, -1))
            for memory_BKE, (reading, _) in zip(
                state.memories, self._decoder_layers(), strict=True
            ):
                put_rows(memory_BKE, rows_S, reading.remember(slots_SKD))
        confidence_R = None if self.straight_through else confidence(p_R, mask_R)
        layers = zip(state.memories, self._decoder_layers(), state.decoder, strict=True)
        for memory_BKE, (reading, layer), layer_state in layers:
            x_RD = reading.step(x_RD, take_rows(memory_BKE, rows_R), confidence_R)
            x_RD = layer.step(x_RD, layer_state, rows_R)
        if self.decoder.rmsnorm is not None:
            x_RD = self.decoder.rmsnorm.step(x_RD)
        return x_RD[..., : self.outer_width]

    def read(
        self, x_BLD: Tensor, positions: Positions, state: CrossAttentionState
    ) -> tuple[Tensor, tuple[Boundaries, ...]]:
        """Many positions behind the state; equals a loop of `step` over the valid ones.

        Parameters
        ----------
        x_BLD : Tensor
            Vectors of the next positions of every row, right-padded; L is at least 1.
        positions : Positions
            What stands there. A row may have no valid position at all.
        state : CrossAttentionState
            From `new_state`; brought up to date in place, each row to its last valid position.

        Returns
        -------
        tuple
            As of `forward`.
        """
        x_BLD, boundaries = self.read_to_decision(x_BLD, positions, state)
        mask_BL, valid_BL = boundaries.mask, positions.valid_BL
        valid_BS = find_chunks(mask_BL).valid_BS
        h_BSD = self.within(
            self.pooling.read(x_BLD, mask_BL, valid_BL, valid_BS.shape[1], state.open)
        )
        h_BSD, inner = self.main_network.read(h_BSD, Positions(valid_BS), state.main)
        slots_BSKD = self.slot_proj(h_BSD).unflatten(-1, (self.slots, -1))
        confidence_BL = None
        if not self.straight_through:
            confidence_BL = confidence(boundaries.probability, mask_BL)
        # Patch 0 is the last that closed before; the first new one is patch 1.
        patch_BL = mask_BL.cumsum(1)
        layers = zip(self._decoder_layers(), state.decoder, strict=True)
        for number, ((reading, layer), layer_state) in enumerate(layers):
            before_BKE, new_BSKE = state.memories[number], reading.remember(slots_BSKD)
            memory_BTKE = torch.cat([before_BKE.unsqueeze(1).to(new_BSKE.dtype), new_BSKE], 1)
            state.memories[number] = latest(memory_BTKE, patch_BL[:, -1], 1)[:, 0].to(
                before_BKE.dtype
            )
            x_BLD = reading.recall(x_BLD, memory_BTKE, patch_BL, confidence_BL)
            x_BLD = layer.read(x_BLD, valid_BL, layer_state)
        if self.decoder.rmsnorm is not None:
            x_BLD = self.decoder.rmsnorm(x_BLD)
        return x_BLD[..., : self.outer_width], (boundaries, *inner)
