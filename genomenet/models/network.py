"""A model's networks, from outside in: a stage in a stage down to the main network."""

from torch import nn

from genomenet.models.config import ModelConfig
from genomenet.models.cross_attention_network import CrossAttentionNetwork
from genomenet.models.hierarchical import HierarchicalNetwork, InnermostNetwork

STAGES = {"select": HierarchicalNetwork, "cross_attention": CrossAttentionNetwork}


def make_network(config: ModelConfig, stage: int = 0, outer_width: int | None = None) -> nn.Module:
    """Build the network of a stage with all that lies within.

    Parameters
    ----------
    config : ModelConfig
        The model.
    stage : int
        0 at base resolution; `config.networks().stages` is the innermost.
    outer_width : int, optional
        Width of the vectors that come in; that of the stage when left out.
    """
    width = config.stage(stage).d_model if outer_width is None else outer_width
    if stage == config.networks().stages:
        return InnermostNetwork(config, width)
    network = STAGES[config.pool_of(stage)]
    return network(config, stage, width, lambda inner: make_network(config, stage + 1, inner))
