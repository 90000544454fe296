"""How fast a training step can be on a GPU: a roofline from counts of operations and bytes.

Every operation takes the longer of two times: its FLOPs over what the device computes, and the
bytes that it reads and writes over what the memory moves. Computed, not measured: launches of
kernels, waiting for the host, communication between devices, reading of data and the entropy model
of a patcher are left out. The backward pass is counted as twice the forward pass in FLOPs and in
bytes alike. Operations are those of this project's layers on a GPU: mamba-ssm, causal-conv1d and
flash-attn where they serve, and torch, one kernel after the other, for everything else.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from genomenet.models.config import ModelConfig
from genomenet.models.devices import REACHED, Device
from genomenet.models.memory import Step, stage_lengths
from genomenet.models.parameters import count_parameters
from genomenet.models.saved_bytes import FLOAT, INDEX, PACKAGED_BLOCK, Kernels
from genomenet.nn.stage import StageConfig

BACKWARD = 2
"""The backward pass over the forward pass, in FLOPs and in bytes."""

OPTIMISER_BYTES = 7 * FLOAT
"""Read and written per parameter by AdamW: weight, gradient and two moments, and all but one."""


@dataclass(frozen=True)
class Op:
    """An operation of the forward pass at one position.

    Attributes
    ----------
    kind : {"product", "attention", "scan", "float32", "memory"}
        What limits it, beside the memory.
    flops : float
        Of the forward pass.
    moved : float
        Bytes read and written by the forward pass.
    part : str
        The part of the model that it belongs to, as in `Saved`.
    """

    kind: str
    flops: float
    moved: float
    part: str


@dataclass(frozen=True)
class Speed:
    """Seconds of one base of a training step, by part and by what limits it.

    Attributes
    ----------
    by_part : dict of str to float
        Seconds per base of each part of the model, and of the optimiser.
    by_limit : dict of str to float
        Seconds per base during which each class of operation, or the memory, is the limit.
    """

    by_part: dict[str, float]
    by_limit: dict[str, float]

    @property
    def bases_per_second(self) -> float:
        """Of one device."""
        return 1 / sum(self.by_part.values())


def training_speed(
    config: ModelConfig, step: Step, device: Device, reached: dict[str, float] = REACHED
) -> Speed:
    """Time of a training step of one micro-batch.

    Parameters
    ----------
    config : ModelConfig
        The model.
    step : Step
        Batch, precision, kernels.
    device : Device
        The GPU.
    reached : dict of str to float
        Share of its peak that each class of operation reaches; 1 for all is a bound that nothing
        can exceed.
    """
    kernels = step.kernels
    exact = device.tf32_flops if kernels.tensor_float else device.float_flops
    product = device.half_flops if kernels.half else exact
    peak = {
        "product": product,
        "attention": product,
        "scan": product,
        "float32": exact,
        "memory": device.float_flops,
    }
    by_part: dict[str, float] = {}
    by_limit: dict[str, float] = {}
    for op, passes, per_base in _all_ops(config, step):
        computing = op.flops / (peak[op.kind] * reached[op.kind])
        moving = op.moved / (device.memory_bytes_per_second * reached["memory"])
        seconds = max(computing, moving) * passes * per_base
        limit = op.kind if computing > moving else "memory"
        by_part[op.part] = by_part.get(op.part, 0.0) + seconds
        by_limit[limit] = by_limit.get(limit, 0.0) + seconds
    return Speed(by_part, by_limit)


def _all_ops(config: ModelConfig, step: Step) -> Iterator[tuple[Op, float, float]]:
    """Operations, how many forward passes each costs in all, and positions of it per base."""
    layout, lengths, kernels = config.networks(), stage_lengths(config, step), step.kernels
    once = 1.0 + BACKWARD
    again = once + (1 if step.activation_checkpointing else 0)
    shares = [length / step.length_bp for length in lengths]
    for op in _head(config, kernels):
        yield op, once, shares[0]
    for stage, share in enumerate(shares):
        numbers, length = config.stage(stage), lengths[stage]
        innermost = stage == layout.stages
        letters = layout.main if innermost else layout.encoders[stage] + layout.decoders[stage]
        for letter in letters:
            for op in layer_ops(letter, numbers, length, kernels):
                yield op, again, share
        norms = 1 if innermost else 2
        for op in _norm(numbers.d_model, kernels, "residual"):
            yield op, once, norms * share
        if not innermost:
            for op in _chunking(config, stage, kernels):
                yield op, once, share
            for op in _chunks(config, stage, kernels):
                yield op, once, shares[stage + 1]
    # One update a micro-batch: with gradient accumulation it is less.
    bases = step.rows * step.length_bp
    moved = OPTIMISER_BYTES * count_parameters(config) / step.devices
    yield Op("memory", 0.0, moved, "optimiser"), 1.0, 1 / bases


def layer_ops(letter: str, numbers: StageConfig, length: float, kernels: Kernels) -> list[Op]:
    """What one layer does at a position, forward."""
    d_model, product = numbers.d_model, kernels.product
    mixer = "attention" if letter in "tTE" else "mamba"
    ops = _norm(d_model, kernels, mixer)
    if mixer == "attention":
        ops += _attention(numbers, length, kernels)
    else:
        ops += _mamba(numbers, kernels)
    add = (2 * FLOAT + product) * d_model
    ops.append(Op("memory", d_model, add, mixer))
    if width := numbers.mlp_width(letter):
        times = numbers.experts_per_position if letter == "E" else 1
        ops += _norm(d_model, kernels, "mlp")
        ops.append(_product(d_model, 2 * width * times, kernels, "mlp"))
        ops.append(Op("memory", 6 * width * times, 5 * width * times * product, "mlp"))
        ops.append(_product(width * times, d_model, kernels, "mlp"))
        ops.append(Op("memory", d_model, add, "mlp"))
        if letter == "E":  # the router, and positions to experts and back
            ops.append(Op("float32", 2.0 * d_model * numbers.experts, FLOAT * d_model, "mlp"))
            ops.append(Op("memory", 0.0, (2 * FLOAT + 4 * product) * d_model * times, "mlp"))
    return ops


def _product(inputs: float, outputs: float, kernels: Kernels, part: str) -> Op:
    """A linear layer; its weights are read once for thousands of positions, and not counted."""
    return Op("product", 2.0 * inputs * outputs, kernels.product * (inputs + outputs), part)


def _norm(width: int, kernels: Kernels, part: str) -> list[Op]:
    """One pass, or in torch sum of squares, scaling and weighting; autocast casts the result."""
    numbers = (2 if kernels.packaged else 5) * FLOAT
    numbers += FLOAT + kernels.product if kernels.half else 0
    return [Op("memory", 4.0 * width, width * numbers, part)]


def _attention(numbers: StageConfig, length: float, kernels: Kernels) -> list[Op]:
    d_model, product = numbers.d_model, kernels.product
    # A query sees its window; where it is global or reaches beyond the start, half on average.
    window = length if numbers.window < 0 else min(length, numbers.window + 1)
    keys = window * (1 - window / (2 * length))
    return [
        _product(d_model, 3 * d_model, kernels, "attention"),
        Op("memory", 6.0 * d_model, 4 * d_model * product, "attention"),  # rotation of q and k
        Op("attention", 4 * keys * d_model, 4 * d_model * product, "attention"),
        _product(d_model, d_model, kernels, "attention"),
    ]


def _mamba(numbers: StageConfig, kernels: Kernels) -> list[Op]:
    d_model, inner, states = numbers.d_model, numbers.d_inner, numbers.d_state
    heads, product = numbers.mamba_heads, kernels.product
    channels, block = inner + 2 * states, PACKAGED_BLOCK
    # Products within a block, and with the state: B with C, both with x, the state with x and C.
    scan = 2 * block * (states + inner) + 4 * states * inner
    # x, B and C are read twice; B C^T of a block and the states are written and read in float32.
    moved = float(2 * channels * product + inner * product)
    moved += 2 * block * FLOAT + 4 * inner * states * FLOAT / block + 5 * heads * FLOAT
    # The gated norm: one pass, or in torch six, with casts of both inputs and the result.
    gated = 13 * FLOAT + (3 * (FLOAT + product) if kernels.half else 0)
    if kernels.packaged:
        gated = 3 * product
    return [
        _product(d_model, inner + channels + heads, kernels, "mamba"),
        Op("memory", 2.0 * channels * (numbers.d_conv + 2), 2 * channels * product, "mamba"),
        Op("memory", 4.0 * heads, 5 * heads * FLOAT, "mamba"),
        Op("scan", scan, moved, "mamba"),
        Op("memory", 10.0 * inner, gated * inner, "mamba"),
        _product(inner, d_model, kernels, "mamba"),
    ]


def _head(config: ModelConfig, kernels: Kernels) -> list[Op]:
    d_model, vocabulary = config.stage(0).d_model, config.vocab_size
    tables = len(config.ngrams)
    tables *= config.ngram_functions if config.ngram_tables == "hashed" else 1
    loss = vocabulary * (5 * FLOAT + (kernels.product if kernels.half else 0))
    return [
        Op("memory", 0.0, INDEX + 2 * FLOAT * d_model * (1 + tables), "head"),
        _product(d_model, vocabulary, kernels, "head"),
        Op("memory", 5.0 * vocabulary, loss, "head"),
    ]


def _chunking(config: ModelConfig, stage: int, kernels: Kernels) -> list[Op]:
    """Per position of a stage: boundaries, and the way back from the network within."""
    d_model = config.stage(stage).d_model
    # Running counts, limits and the sort that lists boundaries: some thirty passes of integers.
    ops = [Op("memory", 0.0, 60.0 * INDEX, "chunking")]
    if config.chunker_of(stage) == "learned":
        routed = 2 * d_model  # twice the width: a query and a key
        ops.append(Op("float32", 2.0 * d_model * routed, 4 * FLOAT * routed, "chunking"))
        ops.append(Op("memory", 6.0 * routed, 6 * FLOAT * routed, "chunking"))
    if config.pool_of(stage) == "cross_attention":
        return ops + _crossing(config, stage, kernels)
    if config.unpool != "boundary":
        ops.append(Op("float32", 2.0 * d_model**2, 2 * FLOAT * d_model, "chunking"))
    # Fetched, weighed, added to the residual.
    ops.append(Op("memory", 2.0 * d_model, 7 * FLOAT * d_model, "chunking"))
    return ops


def _chunks(config: ModelConfig, stage: int, kernels: Kernels) -> list[Op]:
    """Per chunk of a stage: selected, widened, smoothed; or pooled and made slots again."""
    d_model, inner = config.stage(stage).d_model, config.stage(stage + 1).d_model
    if config.pool_of(stage) == "cross_attention":
        pooled, part = config.slots * d_model, "cross_attention"
        readings = 2 * pooled * len(config.networks().decoders[stage])
        return [
            _product(d_model, pooled, kernels, part),
            _product(2 * d_model, pooled, kernels, part),  # queries, and what they found
            _product(pooled, 2 * inner, kernels, part),
            _product(d_model, readings, kernels, part),
        ]
    passes = 2 + (12 if config.unpool == "smooth" else 0)
    return [Op("memory", 4.0 * d_model, passes * FLOAT * d_model + 2 * FLOAT * inner, "chunking")]


def _crossing(config: ModelConfig, stage: int, kernels: Kernels) -> list[Op]:
    """Per position: keys and values to be pooled; queries and what they find at every layer."""
    d_model, slots, part = config.stage(stage).d_model, config.slots, "cross_attention"
    # Fetched, multiplied, summed: the slots of its chunk, for scores and again for values.
    attended = Op("memory", 4.0 * slots * d_model, 6 * FLOAT * slots * d_model, part)
    ops = [*_norm(d_model, kernels, part), _product(d_model, 2 * d_model, kernels, part), attended]
    for _ in config.networks().decoders[stage]:
        if slots > 1:
            ops += [*_norm(d_model, kernels, part), _product(d_model, d_model, kernels, part)]
            ops += [attended, _product(d_model, d_model, kernels, part)]
        ops.append(Op("memory", 2.0 * d_model, 6 * FLOAT * d_model, part))
    return ops
