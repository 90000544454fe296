"""How many trainable parameters a model has, from its config alone."""

from genomenet.models.config import ModelConfig
from genomenet.nn.stage import StageConfig

EXACT_LETTERS = 4
"""An exact n-gram table has a row for every word of so many letters, and one for all others."""


def count_parameters(config: ModelConfig) -> int:
    """Number of trainable parameters of the model that `config` describes.

    What a patcher knows (an entropy model's weights, a table) is frozen and not counted.
    """
    layout = config.networks()
    width = config.stage(0).d_model
    total = 2 * config.vocab_size * width + _ngram_rows(config) * width
    for stage in range(layout.stages):
        total += _stage_parameters(config, stage)
    innermost = config.stage(layout.stages)
    total += sum(layer_parameters(letter, innermost) for letter in layout.main)
    if config.inner_norms or not layout.stages:
        total += innermost.d_model
    return total


def _ngram_rows(config: ModelConfig) -> int:
    if config.ngram_tables == "hashed":
        return config.ngram_rows * config.ngram_functions * len(config.ngrams)
    return sum(EXACT_LETTERS**length + 1 for length in config.ngrams)


def _stage_parameters(config: ModelConfig, stage: int) -> int:
    """A chunking stage with its ways in and out, without the network within."""
    layout, numbers = config.networks(), config.stage(stage)
    d_model, inner = numbers.d_model, config.stage(stage + 1).d_model
    letters = layout.encoders[stage] + layout.decoders[stage]
    total = sum(layer_parameters(letter, numbers) for letter in letters)
    total += d_model * (config.inner_norms + (config.inner_norms or stage == 0))  # closing norms
    total += {"learned": 2 * d_model**2, "linear": d_model + 1}.get(config.chunker_of(stage), 0)
    if config.pool_of(stage) == "cross_attention":
        pooled = config.slots * d_model
        total += d_model * pooled + 2 * d_model + 4 * d_model**2  # queries, norms, attention
        total += pooled * inner * (1 if pooled == inner else 2)  # to the network within and back
        return total + len(layout.decoders[stage]) * _reading_parameters(config, d_model)
    if config.unpool != "boundary":
        total += d_model**2 + d_model  # residual projection
    return total + inner - d_model  # the shared vector that fills up wider ones


def _reading_parameters(config: ModelConfig, d_model: int) -> int:
    """One layer's cross-attention to slots; a single slot needs no queries and no keys."""
    if config.slots == 1:
        return d_model + 2 * d_model**2
    return 2 * d_model + 4 * d_model**2


def layer_parameters(letter: str, numbers: StageConfig) -> int:
    """Number of trainable parameters of one layer."""
    d_model, d_inner, heads = numbers.d_model, numbers.d_inner, numbers.mamba_heads
    total = d_model  # norm1
    if letter in "tTE":
        total += 4 * d_model**2
    else:
        channels = d_inner + 2 * numbers.d_state
        total += d_model * (d_inner + channels + heads)  # in_proj
        total += channels * (numbers.d_conv + 1)  # convolution and its bias
        total += 3 * heads + d_inner  # A_log, D, dt_bias and the gated norm
        total += d_inner * d_model  # out_proj
    if width := numbers.mlp_width(letter):
        experts = numbers.experts if letter == "E" else 1
        total += d_model + experts * 3 * d_model * width  # norm2 and SwiGLU
        total += experts * d_model if letter == "E" else 0  # its router
    return total
