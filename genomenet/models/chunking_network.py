"""What the stages of H-Net and of BLT share: an encoder whose output decides the boundaries."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genomenet.chunking.boundaries import Boundaries, Positions
from genomenet.chunking.chunk import Chunks, find_chunks
from genomenet.chunking.guards import GuardState, read_guards, step_guards
from genomenet.models.chunkers import make_chunker, make_guards
from genomenet.models.config import ModelConfig
from genomenet.models.stage_network import StageNetwork
from genomenet.nn.stack import IsotropicStack


@dataclass
class ChunkingState:
    """What every chunking stage, and all within it, remembers of a prefix.

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
    """

    encoder: list[Any]
    decoder: list[Any]
    chunker: Any
    guards: GuardState
    main: Any

    @property
    def steps(self) -> tuple[int, ...]:
        """Steps taken by all rows, one number a stage, outermost first."""
        return (int(self.guards.position_B.sum()), *self.main.steps)


class ChunkingNetwork(StageNetwork):
    """An encoder, a chunker that reads its output, a network within, and a decoder.

    How chunks reach the network within and come back is the subclass's, which also makes
    `main_network` and `decoder`.

    Parameters
    ----------
    config : ModelConfig
        The model.
    stage : int
        0 at base resolution.
    outer_width : int
        Width of the vectors that come in.

    Attributes
    ----------
    static_shapes : bool
        Give every row room for as many chunks as the guards let it have, so that shapes never
        depend on boundaries.
    """

    main_network: Any
    decoder: IsotropicStack

    def __init__(self, config: ModelConfig, stage: int, outer_width: int):
        numbers = config.stage(stage)
        super().__init__(numbers.d_model, outer_width)
        self.guards = make_guards(config, stage)
        self.static_shapes = False
        self.straight_through = config.straight_through
        letters = config.networks().encoders[stage]
        self.encoder = IsotropicStack(letters, numbers, closing_norm=config.inner_norms)
        self.routing_module = make_chunker(config, stage)

    def find_chunks(self, boundaries: Boundaries, positions: Positions) -> Chunks:
        """Where chunks begin, with room for the longest row or, in static shapes, for any."""
        room = None
        if self.static_shapes and positions.given_BL is None:
            room = self.guards.most(boundaries.mask.shape[1])
        return find_chunks(boundaries.mask, room, self.main_network.packs(boundaries.mask.device))

    def packs(self, device: torch.device) -> bool:
        """Whether rows of chunks that come in are to be packed."""
        return self.encoder.packs(device)

    @staticmethod
    def make_decoder(config: ModelConfig, stage: int) -> IsotropicStack:
        """The decoder of a stage; the outermost one always ends in a norm."""
        return IsotropicStack(
            config.networks().decoders[stage],
            config.stage(stage),
            closing_norm=config.inner_norms or stage == 0,
        )

    def shared_state(self, batch_size: int, device: torch.device) -> dict[str, Any]:
        """The fields of `ChunkingState` for `batch_size` empty sequences."""
        return {
            "encoder": self.encoder.new_state(batch_size, device),
            "decoder": self.decoder.new_state(batch_size, device),
            "chunker": self.routing_module.new_state(batch_size, device),
            "guards": GuardState.new(batch_size, device),
            "main": self.main_network.new_state(batch_size, device),
        }

    def step_to_decision(
        self, x_RD: Tensor, position: Positions, state: ChunkingState, rows_R: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Encode one more position of some rows, and decide whether it is a boundary.

        Returns
        -------
        tuple of Tensor
            (R, D) encoder output, and (R,) boundary probabilities and boundaries.
        """
        x_RD = self.encoder.step(self.widen(x_RD), state.encoder, rows_R)
        asked_R = self.routing_module.step(x_RD, position, state.chunker, rows_R)
        return x_RD, *step_guards(asked_R, position, self.guards, state.guards, rows_R)

    def read_to_decision(
        self, x_BLD: Tensor, positions: Positions, state: ChunkingState
    ) -> tuple[Tensor, Boundaries]:
        """Encode many positions behind the state, and decide which of them are boundaries.

        Returns
        -------
        Tensor
            (B, L, D) encoder output.
        Boundaries
            Of these positions; a row may have none.
        """
        x_BLD = self.encoder.read(self.widen(x_BLD), positions.valid_BL, state.encoder)
        asked_BL = self.routing_module.read(x_BLD, positions, state.chunker)
        return x_BLD, read_guards(asked_BL, positions, self.guards, state.guards)
