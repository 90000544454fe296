"""The causal language model: embedding, network, head."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genomenet.chunking.routing import Routing
from genomenet.models.config import ModelConfig
from genomenet.models.hierarchical import HierarchicalNetwork
from genomenet.models.initialise import initialise


@dataclass(frozen=True)
class LanguageModelOutput:
    """What the model says about a batch.

    Attributes
    ----------
    logits_BLV : Tensor
        Scores of the next base at every position.
    stages : tuple of Routing
        Boundary probabilities and decisions, one a chunking stage, outermost first.
    """

    logits_BLV: Tensor
    stages: tuple[Routing, ...]


class LanguageModel(nn.Module):
    """Predict every base from the ones before it.

    Parameters
    ----------
    config : ModelConfig
        The model; initialised from torch's global random state.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config.check()
        d_model = config.stage(0).d_model
        self.embeddings = nn.Embedding(config.vocab_size, d_model)
        self.backbone = HierarchicalNetwork(config)
        self.lm_head = nn.Linear(d_model, config.vocab_size, bias=False)
        initialise(self.embeddings, self.backbone, self.lm_head)

    def forward(self, tokens_BL: Tensor, valid_BL: Tensor | None = None) -> LanguageModelOutput:
        """Score the base after every position.

        Parameters
        ----------
        tokens_BL : Tensor of int64
            Codes; right-padded where rows differ in length.
        valid_BL : Tensor of bool, optional
            False at padding; all positions count when left out.
        """
        if valid_BL is None:
            valid_BL = torch.ones_like(tokens_BL, dtype=torch.bool)
        x_BLD, stages = self.backbone(self.embeddings(tokens_BL), valid_BL)
        return LanguageModelOutput(self.lm_head(x_BLD), stages)
