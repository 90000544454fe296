"""How much memory a training step needs, by part, from the config alone: computed, not measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from genomenet.models.check import LEARNED
from genomenet.models.config import ModelConfig
from genomenet.models.parameters import count_parameters, layer_parameters
from genomenet.models.saved_bytes import (
    FLOAT,
    INDEX,
    Kernels,
    Saved,
    checkpointed_bytes,
    layer_bytes,
    norm_bytes,
    pooling_bytes,
    reading_bytes,
    router_bytes,
    select_bytes,
)
from genomenet.nn.stage import StageConfig


@dataclass(frozen=True)
class Step:
    """What of a training step decides over its memory and its time, beside the model.

    Attributes
    ----------
    rows : int
        Windows of a micro-batch on one device.
    length_bp : int
        Window length in bases.
    positions_per_chunk : sequence of float
        Positions per chunk that a row has room for, one a compressing step; empty is the targets.
    kernels : Kernels
        How it computes.
    activation_checkpointing : bool
        Whether layers work their activations out anew.
    devices : int
        Devices that weights, gradients and the optimiser's state are sharded over (FSDP).
    """

    rows: int
    length_bp: int
    positions_per_chunk: Sequence[float] = ()
    kernels: Kernels = field(default_factory=Kernels)
    activation_checkpointing: bool = False
    devices: int = 1


@dataclass(frozen=True)
class Memory:
    """Bytes of one device at the fullest moment of a training step, by part.

    Attributes
    ----------
    parameters, gradients, moments : float
        Float32 weights, their gradients, and AdamW's two moments; of this device's share.
    gathered : float
        Whole weights of the layers at work, where each device keeps a share.
    weight_copies : float
        bfloat16 copies of matrices, which autocast makes and the backward pass needs. Sharding
        does not cut them.
    saved : Saved
        What the forward pass keeps for the backward pass.
    work : float
        What comes and goes: the gradients of the largest layer's activations, or of the loss;
        and under activation checkpointing, the activations of a layer that are made anew.
    """

    parameters: float
    gradients: float
    moments: float
    gathered: float
    weight_copies: float
    saved: Saved
    work: float

    @property
    def state(self) -> float:
        """What does not depend on the batch."""
        copies = self.gathered + self.weight_copies
        return self.parameters + self.gradients + self.moments + copies

    @property
    def total(self) -> float:
        """All parts together."""
        return self.state + self.saved.total + self.work


def training_memory(config: ModelConfig, step: Step) -> Memory:
    """Memory of a training step.

    The patcher of an entropy chunker, the CUDA context, what the allocator can't use, and buffers
    of nccl are not counted.

    Parameters
    ----------
    config : ModelConfig
        The model.
    step : Step
        Batch, precision, kernels, sharding.
    """
    parameters = count_parameters(config)
    share = FLOAT * parameters / step.devices
    layers = list(_layers(config, step))
    largest = max(layer_parameters(letter, numbers) for letter, numbers, _ in layers)
    within = [layer_bytes(*layer[:2], step.rows, layer[2], step.kernels).total for layer in layers]
    work = max(*within, _loss_work(config, step))
    if step.activation_checkpointing:
        work += max(within)
    return Memory(
        parameters=share,
        gradients=share,
        moments=2 * share,
        # FSDP2 gathers the next layer's weights while one is at work.
        gathered=2 * FLOAT * largest if step.devices > 1 else 0.0,
        weight_copies=2.0 * _cast_parameters(config) if step.kernels.half else 0.0,
        saved=saved_bytes(config, step),
        work=work,
    )


def saved_bytes(config: ModelConfig, step: Step) -> Saved:
    """What the forward pass of `LanguageModel.score` keeps for the backward pass."""
    saved = _head(config, step)
    for letter, numbers, length in _layers(config, step):
        saved += (
            checkpointed_bytes(numbers, step.rows, length)
            if step.activation_checkpointing
            else layer_bytes(letter, numbers, step.rows, length, step.kernels)
        )
    lengths, layout = stage_lengths(config, step), config.networks()
    for stage in range(layout.stages):
        numbers, inner = config.stage(stage), config.stage(stage + 1)
        length, chunks, positions = lengths[stage], lengths[stage + 1], step.rows * lengths[stage]
        norms = config.inner_norms + (config.inner_norms or stage == 0)
        saved += Saved(norms * norm_bytes(positions, numbers.d_model))
        learned = config.chunker_of(stage) if config.chunker_of(stage) in LEARNED else ""
        if config.pool_of(stage) == "select":
            saved += select_bytes(
                numbers.d_model, inner.d_model, step.rows, length, chunks,
                learned=learned, unpool=config.unpool, closing_norm=config.inner_norms,
            )  # fmt: skip
            continue
        size = (config.slots, step.rows, length, chunks)
        weighed = bool(learned) or not config.straight_through
        crossing = pooling_bytes(numbers, inner.d_model, *size, step.kernels)
        for _ in layout.decoders[stage]:
            crossing += reading_bytes(numbers, *size, weighed, step.kernels)
        router = router_bytes(numbers.d_model, step.rows, length, learned)
        saved += Saved(cross_attention=crossing, chunking=router)
    if config.inner_norms or not layout.stages:
        innermost = config.stage(layout.stages).d_model
        saved += Saved(norm_bytes(step.rows * lengths[-1], innermost))
    return saved


def stage_lengths(config: ModelConfig, step: Step) -> list[float]:
    """Positions of a row at every stage, outermost first: bases or tokens, then chunks."""
    rates = list(step.positions_per_chunk)
    rates = rates or [config.target(stage) for stage in range(config.compressions)]
    length = float(step.length_bp)
    if config.tokeniser != "none":
        return [length / rates[0]]
    lengths = [length]
    for rate in rates:
        lengths.append(lengths[-1] / rate)
    return lengths


def _layers(config: ModelConfig, step: Step) -> list[tuple[str, StageConfig, float]]:
    """Letter, numbers and positions of a row of every layer, outside in."""
    layout, lengths = config.networks(), stage_lengths(config, step)
    found = []
    for stage in range(layout.stages):
        letters = layout.encoders[stage] + layout.decoders[stage]
        found += [(letter, config.stage(stage), lengths[stage]) for letter in letters]
    innermost = config.stage(layout.stages)
    return found + [(letter, innermost, lengths[-1]) for letter in layout.main]


def _head(config: ModelConfig, step: Step) -> Saved:
    """Tokens, the head's input, log-probabilities and targets; indices of n-grams."""
    positions = step.rows * stage_lengths(config, step)[0]
    each = INDEX + config.stage(0).d_model * step.kernels.product
    each += config.vocab_size * FLOAT + INDEX
    if tables := len(config.ngrams):
        tables *= config.ngram_functions if config.ngram_tables == "hashed" else 1
        each += (2 * tables + 3) * INDEX  # rows of the tables, and where each position's begin
    return Saved(head=positions * each)


def _loss_work(config: ModelConfig, step: Step) -> float:
    """Logits and the gradients of the loss, of log-probabilities and of logits, all at once."""
    positions = step.rows * stage_lengths(config, step)[0]
    logits = step.kernels.product + 3 * FLOAT
    return positions * config.vocab_size * logits


def _cast_parameters(config: ModelConfig) -> int:
    """Weights of the matrices that autocast copies: all but embeddings, routers and vectors.

    The routers of mixtures, residual projections and routing run in float32.
    """
    matrices = config.vocab_size * config.stage(0).d_model
    layout = config.networks()
    for letter, numbers, _ in _layers(config, Step(1, 1)):
        matrices += _matrices(letter, numbers)
    for stage in range(layout.stages):
        if config.pool_of(stage) == "cross_attention":
            d, pooled = config.stage(stage).d_model, config.slots * config.stage(stage).d_model
            inner = config.stage(stage + 1).d_model
            matrices += d * pooled + 4 * d * d + pooled * inner * (1 if pooled == inner else 2)
            matrices += len(layout.decoders[stage]) * (4 if config.slots > 1 else 2) * d * d
    return matrices


def _matrices(letter: str, numbers: StageConfig) -> int:
    d_model, inner = numbers.d_model, numbers.d_inner
    if letter in "tTE":
        total = 4 * d_model**2
    else:
        total = d_model * (3 * inner + 2 * numbers.d_state + numbers.mamba_heads)
    experts = numbers.experts if letter == "E" else 1
    return total + experts * 3 * d_model * numbers.mlp_width(letter)


def largest_batch(config: ModelConfig, step: Step, memory_bytes: float) -> int:
    """Most windows of a micro-batch that fit on a device; 0 when not even one does."""

    def fits(rows: int) -> bool:
        return training_memory(config, replace(step, rows=rows)).total <= memory_bytes

    if not fits(1):
        return 0
    # Bytes grow in proportion to the windows, but for what is rounded.
    below, above = 1, 2
    while fits(above):
        below, above = above, 2 * above
    while above - below > 1:
        middle = math.floor((below + above) / 2)
        below, above = (middle, above) if fits(middle) else (below, middle)
    return below
