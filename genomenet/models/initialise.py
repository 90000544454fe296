"""How a fresh model's weights are drawn."""

import math

import torch
from torch import nn

from genomenet.models.cross_attention_network import CrossAttentionNetwork
from genomenet.models.hierarchical import HierarchicalNetwork, InnermostNetwork

STANDARD_DEVIATION = 0.02
EMBEDDING_STANDARD_DEVIATION = 1.0


@torch.no_grad()
def initialise(embeddings: nn.Embedding, backbone: nn.Module, lm_head: nn.Linear) -> None:
    """Draw the weights of a language model in place.

    Linear layers of the stacks are normal with deviation 0.02; those that write to the
    residual stream are narrower by the square root of the number of writes, counted from
    the outside in. Routers start as the identity, residual projections with zero weights
    (they are left as their constructors made them, but for that). Source:
    github.com/goombalab/hnet.

    Parameters
    ----------
    embeddings, backbone, lm_head : Module
        The model's parts, just constructed.
    """
    nn.init.normal_(embeddings.weight, std=EMBEDDING_STANDARD_DEVIATION)
    nn.init.normal_(lm_head.weight, std=STANDARD_DEVIATION)
    _initialise_network(backbone, writes_outside=0)


def _initialise_network(network: nn.Module, writes_outside: int) -> None:
    if isinstance(network, InnermostNetwork):
        writes = writes_outside + network.main_network.residual_writes
        _initialise_stack(network.main_network, writes)
        return
    assert isinstance(network, HierarchicalNetwork | CrossAttentionNetwork)
    writes = writes_outside + network.encoder.residual_writes + network.decoder.residual_writes
    if isinstance(network, CrossAttentionNetwork):
        writes += len(network.readings)
        for module in (network.pooling, *network.readings):
            _initialise_stack(module, writes)
        # These carry the stream from one width to another, so that they keep its size, as BLT's.
        for carrier in (network.pooling.slot_proj, network.chunk_proj, network.slot_proj):
            if carrier is not None:
                nn.init.normal_(carrier.weight, std=carrier.in_features**-0.5)
    elif network.residual_proj is not None:
        nn.init.zeros_(network.residual_proj.weight)
    _initialise_stack(network.encoder, writes)
    _initialise_stack(network.decoder, writes)
    _initialise_network(network.main_network, writes)


def _initialise_stack(stack: nn.Module, writes: int) -> None:
    for name, module in stack.named_modules():
        if isinstance(module, nn.Linear):
            writes_residual = name.endswith(("out_proj", "fc2"))
            scale = 1 / math.sqrt(writes) if writes_residual else 1.0
            nn.init.normal_(module.weight, std=STANDARD_DEVIATION * scale)
