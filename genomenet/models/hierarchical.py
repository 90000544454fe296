"""The recursive hierarchical network; with no stage left it is an isotropic stack."""

import torch
from torch import Tensor, nn

from genomenet.chunking.chunk import find_chunks
from genomenet.chunking.dechunk import dechunk
from genomenet.chunking.routing import CosineRouter, FixedGrid, Routing
from genomenet.models.config import ModelConfig
from genomenet.nn.stack import IsotropicStack


class HierarchicalNetwork(nn.Module):
    """Encode positions, chunk them, run the network within, and decode.

    Parameter names are those of the published checkpoints. Source: H-Net section 2.

    Parameters
    ----------
    config : ModelConfig
        The model.
    stage : int
        0 at base resolution; `config.networks().stages` is the innermost.
    """

    def __init__(self, config: ModelConfig, stage: int = 0):
        super().__init__()
        layout = config.networks()
        numbers = config.stage(stage)
        outer_width = config.stage(max(stage - 1, 0)).d_model
        self.d_model = numbers.d_model
        self.innermost = stage == layout.stages
        self.pad_dimension = (
            nn.Parameter(torch.zeros(self.d_model - outer_width))
            if self.d_model > outer_width
            else None
        )
        if self.innermost:
            self.main_network: nn.Module = IsotropicStack(layout.main, numbers)
            return
        self.encoder = IsotropicStack(layout.encoders[stage], numbers)
        self.routing_module: nn.Module = (
            CosineRouter(self.d_model)
            if config.router == "learned"
            else FixedGrid(int(config.target(stage)))
        )
        self.residual_proj = nn.Linear(self.d_model, self.d_model)
        self.main_network = HierarchicalNetwork(config, stage + 1)
        self.decoder = IsotropicStack(layout.decoders[stage], numbers)

    def forward(self, x_BLD: Tensor, valid_BL: Tensor) -> tuple[Tensor, tuple[Routing, ...]]:
        """Run the network.

        Parameters
        ----------
        x_BLD : Tensor
            Vectors of the width of the stage outside this one.
        valid_BL : Tensor of bool
            False at right padding, which can't change a valid position.

        Returns
        -------
        Tensor
            (B, L, D) of the width that came in.
        tuple of Routing
            The decisions of every stage from this one inwards.
        """
        outer_width = x_BLD.shape[-1]
        if self.pad_dimension is not None:
            pad_BLD = self.pad_dimension.to(x_BLD.dtype).expand(*x_BLD.shape[:-1], -1)
            x_BLD = torch.cat([x_BLD, pad_BLD], dim=-1)
        if self.innermost:
            return self.main_network(x_BLD)[..., :outer_width], ()
        x_BLD = self.encoder(x_BLD)
        with torch.autocast(x_BLD.device.type, enabled=False):
            residual_BLD = self.residual_proj(x_BLD)
        routing = self.routing_module(x_BLD, valid_BL)
        chunks = find_chunks(routing.boundary_BL)
        h_BSD, inner = self.main_network(chunks.select(x_BLD), chunks.valid_BS)
        x_BLD = dechunk(h_BSD, chunks, routing) + residual_BLD
        return self.decoder(x_BLD)[..., :outer_width], (routing, *inner)
