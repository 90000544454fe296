"""How many FLOPs a model spends per base, by part, from its config.

FLOPs are those of the forward pass, counted as in the H-Net paper's appendix B, with differences
that are stated here because they are visible in the figures: Mamba-2's output projection counts
its real input width (the printed formula leaves `expand` out, but the paper's own table needs
it); and the routing, residual projection and smoothing, which the paper does not list, are
counted as well. Attention counts every key of its window, without halving for causality;
cross-attention is BLT's equations 13 to 17 under the same convention, with the projections
around it, which those leave out. N-gram embeddings are look-ups and additions. Sources: H-Net
(arXiv 2507.07955) appendix B; Byte Latent Transformer (arXiv 2412.09871) section 4.5.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from genomenet.models.check import patcher_kind
from genomenet.models.config import ModelConfig
from genomenet.models.patcher import patcher_of
from genomenet.nn.stage import StageConfig

TRAINING_OVER_FORWARD = 3
"""Training costs the forward pass and a backward pass of twice its FLOPs."""


@dataclass(frozen=True)
class Flops:
    """Forward FLOPs per base, by part.

    Attributes
    ----------
    embedding, mamba, attention, mlp, chunking, cross_attention, patcher : float
        FLOPs per base of the embeddings and the head; of the mixers; of MLPs and mixtures of
        experts (the active ones and the router); of learned boundaries, residual projection and
        smoothing; of pooling, reading and the projections between the widths of BLT; and of the
        frozen entropy model that places boundaries.
    """

    embedding: float = 0.0
    mamba: float = 0.0
    attention: float = 0.0
    mlp: float = 0.0
    chunking: float = 0.0
    cross_attention: float = 0.0
    patcher: float = 0.0

    def __add__(self, other: "Flops") -> "Flops":
        """Part by part."""
        return Flops(*(getattr(self, part) + getattr(other, part) for part in vars(self)))

    def __mul__(self, times: float) -> "Flops":
        """Every part as many times."""
        return Flops(*(getattr(self, part) * times for part in vars(self)))

    @property
    def model(self) -> float:
        """All that is trained: everything but the patcher."""
        return self.total - self.patcher

    @property
    def total(self) -> float:
        """All parts together."""
        return sum(vars(self).values())

    @property
    def training(self) -> float:
        """A training step per base: the backward pass too, which a frozen patcher has not."""
        return TRAINING_OVER_FORWARD * self.model + self.patcher


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
        Achieved mean positions per chunk, one a chunking stage, or for a model of longer tokens
        its bases per token; the nominal ones when left out, which are the targets (for k-mers,
        their length).

    Raises
    ------
    UserError
        When the model names a patcher that can't be read.
    """
    parts = flops_by_depth(config, length_bp, positions_per_chunk)
    share, total = 1.0, parts[0]
    for part, rate in zip(parts[1:], _rates(config, positions_per_chunk), strict=True):
        share /= rate
        total += part * share
    return total


def flops_by_depth(
    config: ModelConfig, length_bp: int, positions_per_chunk: Sequence[float] | None = None
) -> list[Flops]:
    """Forward FLOPs at a base, and what is added wherever the network steps further in.

    Parameters
    ----------
    config, length_bp, positions_per_chunk
        As `flops_per_base`.

    Returns
    -------
    list of Flops
        `ModelConfig.compressions` and one more. The first is spent at every base: the patcher, the
        embedding and head, the outermost encoder and decoder, and finding boundaries. The next is
        spent in addition at every position where the outermost chunker (or the tokeniser) steps,
        and so on. What attention and cross-attention spend is an average position's at the given
        rates. So weighted by how often each happens, they add up to `flops_per_base`.
    """
    layout = config.networks()
    rates = _rates(config, positions_per_chunk)
    width = config.stage(0).d_model
    tables = len(config.ngrams)
    if config.ngram_tables == "hashed":
        tables *= config.ngram_functions
    found = [Flops(patcher=_patcher(config, length_bp))]
    share = 1.0  # positions of the stage at hand per base
    if config.tokeniser != "none":
        share /= rates.pop(0)
        found.append(Flops())
    found[-1] += Flops(embedding=(4.0 * config.vocab_size + tables) * width)
    for stage, rate in enumerate(rates):
        letters = layout.encoders[stage] + layout.decoders[stage]
        everywhere = _chunking(config, stage, math.inf)
        per_chunk = (_chunking(config, stage, rate) + everywhere * -1.0) * rate
        found[-1] += _layers(letters, config.stage(stage), length_bp * share) + everywhere
        found.append(per_chunk)
        share /= rate
    found[-1] += _layers(layout.main, config.stage(layout.stages), length_bp * share)
    return found


def _rates(config: ModelConfig, achieved: Sequence[float] | None) -> list[float]:
    """Positions per chunk of every step inwards: as achieved, or else the nominal ones."""
    return list(achieved or [config.target(stage) for stage in range(config.compressions)])


def patcher_is_unknown(config: ModelConfig) -> bool:
    """Whether boundaries come from an entropy model that the config does not name yet.

    Its FLOPs are then missing from the count.
    """
    return patcher_kind(config) == "entropy" and not config.patcher


def _patcher(config: ModelConfig, length_bp: int) -> float:
    """The entropy model reads every base once; tables, words and rules cost next to nothing."""
    if patcher_kind(config) != "entropy" or not config.patcher:
        return 0.0
    patcher = patcher_of(config)
    assert patcher.model is not None, "an entropy patcher has a model"
    return flops_per_base(patcher.model, min(length_bp, patcher.reset_bp or length_bp)).total


def _layers(letters: str, numbers: StageConfig, positions: float) -> Flops:
    """Per position of a stage, which has so many positions."""
    mamba = attention = mlp = 0.0
    for letter, count in Counter(letters).items():
        if letter in "tTE":
            attention += count * _attention(numbers, positions)
        else:
            mamba += count * _mamba(numbers)
        if width := numbers.mlp_width(letter):
            one = 6 * numbers.d_model * width + 5 * numbers.d_model
            mlp += count * (_mixture(numbers, one) if letter == "E" else one)
    return Flops(mamba=mamba, attention=attention, mlp=mlp)


def _attention(numbers: StageConfig, positions: float) -> float:
    d_model = numbers.d_model
    keys = positions if numbers.window < 0 else min(positions, numbers.window + 1)
    return 8 * d_model**2 + _products(numbers, keys)


def _products(numbers: StageConfig, keys: float) -> float:
    """Scores, softmax and weighted values of one query."""
    return 4 * keys * numbers.d_model + 3 * (numbers.d_model // numbers.head_dim) * keys


def _mamba(numbers: StageConfig) -> float:
    d_model, d_inner = numbers.d_model, numbers.d_inner
    projections = 2 * d_model * (3 * d_inner + 2 * numbers.d_state + numbers.mamba_heads)
    convolution = 2 * d_model * numbers.d_conv  # as printed in the paper: d_model channels
    return projections + 6 * d_inner * numbers.d_state + convolution + 5 * d_model


def _mixture(numbers: StageConfig, one: float) -> float:
    """The router, its softmax, the experts a position goes through, and their weighted sum."""
    active, d_model = numbers.experts_per_position, numbers.d_model
    return numbers.experts * (2 * d_model + 3) + active * (one + 2 * d_model)


def _chunking(config: ModelConfig, stage: int, positions_per_chunk: float) -> Flops:
    """Boundaries, and the ways to the network within and back, per position of the stage."""
    numbers = config.stage(stage)
    d_model = numbers.d_model
    learned = {"learned": 4 * d_model**2 + 6 * d_model, "linear": 2 * d_model}
    chunking = float(learned.get(config.chunker_of(stage), 0))
    if config.pool_of(stage) == "cross_attention":
        crossing = _cross_attention(config, stage, positions_per_chunk)
        return Flops(chunking=chunking, cross_attention=crossing)
    if config.unpool != "boundary":
        chunking += 2 * d_model**2  # residual projection
    if config.unpool == "smooth":
        chunking += 3 * d_model / positions_per_chunk  # one step a chunk
    return Flops(chunking=chunking)


def _cross_attention(config: ModelConfig, stage: int, positions_per_chunk: float) -> float:
    """Pooling once, reading before every layer of the decoder; per position of the stage.

    Each position is a key of the K queries of its chunk, and a query to the K slots it reads.
    """
    numbers, slots = config.stage(stage), config.slots
    d_model, inner = numbers.d_model, config.stage(stage + 1).d_model
    readings = len(config.networks().decoders[stage])
    pooled = slots * d_model
    per_position = d_model + 4 * d_model**2 + _products(numbers, slots)  # maximum, keys, values
    per_chunk = 6.0 * pooled * d_model  # the queries, their projection, what they found
    per_chunk += 2 * pooled * inner * (1 if pooled == inner else 2)  # inwards and back
    if slots == 1:
        per_chunk += readings * 4 * d_model**2  # read whatever the query: value and output
    else:
        per_position += readings * (4 * d_model**2 + _products(numbers, slots))
        per_chunk += readings * 4 * pooled * d_model  # keys and values
    return per_position + per_chunk / positions_per_chunk
