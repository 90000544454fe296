"""How many parameters a model has and how many FLOPs it spends per base, from its config.

FLOPs are those of the forward pass (training costs three times as many), counted as in the
H-Net paper's appendix B with two differences, both stated here because they are visible in
the figures: Mamba-2's output projection counts its real input width (the printed formula
leaves `expand` out, but the paper's own table needs it), and the routing projections, the
residual projection and the smoothing are counted as well (the paper lists none of them).
Source: H-Net (arXiv 2507.07955), appendix B.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from genomenet.models.config import ModelConfig
from genomenet.nn.layout import Layout
from genomenet.nn.stage import StageConfig

TRAINING_OVER_FORWARD = 3
"""A training step costs the forward pass and a backward pass of twice its FLOPs."""


def count_parameters(config: ModelConfig) -> int:
    """Number of trainable parameters of the model that `config` describes."""
    layout = config.networks()
    total = 2 * config.vocab_size * config.stage(0).d_model
    for stage in range(layout.stages + 1):
        numbers = config.stage(stage)
        total += numbers.d_model - config.stage(max(stage - 1, 0)).d_model  # shared pad vector
        for letters in _networks_of_stage(layout, stage):
            total += numbers.d_model  # the network's own RMSNorm
            total += sum(_layer_parameters(letter, numbers) for letter in letters)
        if stage < layout.stages:
            routing = 2 * numbers.d_model**2 if config.router == "learned" else 0
            total += routing + numbers.d_model**2 + numbers.d_model  # residual projection
    return total


@dataclass(frozen=True)
class Flops:
    """Forward FLOPs per base, by part.

    Attributes
    ----------
    embedding, mamba, attention, mlp, chunking : float
        FLOPs per base of the embedding and head, the mixers, the MLPs, and of routing,
        residual projection and smoothing.
    """

    embedding: float
    mamba: float
    attention: float
    mlp: float
    chunking: float

    @property
    def total(self) -> float:
        """All parts together."""
        return self.embedding + self.mamba + self.attention + self.mlp + self.chunking


def flops_per_base(
    config: ModelConfig, length_bp: int, positions_per_chunk: Sequence[float] | None = None
) -> Flops:
    """Forward FLOPs per base at a given rate of chunking.

    Parameters
    ----------
    config : ModelConfig
        The model.
    length_bp : int
        Window length in bases: attention's cost depends on it.
    positions_per_chunk : sequence of float, optional
        Achieved mean positions per chunk, one a chunking stage; the targets when left out
        (the nominal count).
    """
    layout = config.networks()
    if positions_per_chunk is None:
        positions_per_chunk = [config.target(stage) for stage in range(layout.stages)]
    mamba = attention = mlp = chunking = 0.0
    share = 1.0  # positions of this stage per base
    for stage in range(layout.stages + 1):
        numbers = config.stage(stage)
        for letter in "".join(_networks_of_stage(layout, stage)):
            if letter in "tT":
                attention += share * _attention_flops(numbers, length_bp * share)
            else:
                mamba += share * _mamba_flops(numbers)
            if width := numbers.mlp_width(letter):
                mlp += share * (6 * numbers.d_model * width + 5 * numbers.d_model)
        if stage < layout.stages:
            per_position = 2 * numbers.d_model**2  # residual projection
            if config.router == "learned":
                per_position += 4 * numbers.d_model**2 + 6 * numbers.d_model  # q, k, cosine
            chunking += share * per_position
            share /= positions_per_chunk[stage]
            chunking += share * 3 * numbers.d_model  # smoothing, one step a chunk
    embedding = 4.0 * config.vocab_size * config.stage(0).d_model
    return Flops(embedding, mamba, attention, mlp, chunking)


def _networks_of_stage(layout: Layout, stage: int) -> list[str]:
    if stage == layout.stages:
        return [layout.main]
    return [layout.encoders[stage], layout.decoders[stage]]


def _layer_parameters(letter: str, numbers: StageConfig) -> int:
    d_model, d_inner, heads = numbers.d_model, numbers.d_inner, numbers.mamba_heads
    total = d_model  # norm1
    if letter in "tT":
        total += 4 * d_model**2
    else:
        channels = d_inner + 2 * numbers.d_state
        total += d_model * (d_inner + channels + heads)  # in_proj
        total += channels * (numbers.d_conv + 1)  # convolution and its bias
        total += 3 * heads + d_inner  # A_log, D, dt_bias and the gated norm
        total += d_inner * d_model  # out_proj
    if width := numbers.mlp_width(letter):
        total += d_model + 3 * d_model * width  # norm2 and SwiGLU
    return total


def _attention_flops(numbers: StageConfig, positions: float) -> float:
    """Per position; every key of the window counts, as in the paper (no causal halving)."""
    d_model = numbers.d_model
    keys = positions if numbers.window < 0 else min(positions, numbers.window + 1)
    heads = d_model // numbers.head_dim
    return 8 * d_model**2 + 4 * keys * d_model + 3 * heads * keys


def _mamba_flops(numbers: StageConfig) -> float:
    d_model, d_inner = numbers.d_model, numbers.d_inner
    projections = 2 * d_model * (3 * d_inner + 2 * numbers.d_state + numbers.mamba_heads)
    convolution = 2 * d_model * numbers.d_conv  # as printed in the paper: d_model channels
    return projections + 6 * d_inner * numbers.d_state + convolution + 5 * d_model
