"""How many bytes every kind of layer keeps for the backward pass, from its numbers alone.

What is counted is what autograd saves: the inputs and results that the backward pass reads again,
each storage once. Tests hold the sums against the storages that models really save on a CPU. Where
the CUDA packages serve, what `Kernels.packaged` names takes the place of torch's.
"""

import math
from dataclasses import dataclass

from genomenet.nn.stage import StageConfig

FLOAT, INDEX = 4, 8
SCAN_BLOCK = 64
"""Positions between the states that scans on a CPU keep (`genomenet.ops.ssd_scan`)."""

PADDED_ROWS = 32
"""Rows by which an expert's are padded on average: half of `genomenet.nn.moe.ROWS_MULTIPLE`."""

PACKAGED_BLOCK = 256
"""Positions of a block of mamba-ssm, which keeps no states but pads to whole blocks."""


@dataclass(frozen=True)
class Kernels:
    """In what format a training step computes, and by whose kernels.

    Attributes
    ----------
    half : bool
        Autocast in bfloat16.
    packaged : bool
        mamba-ssm, causal-conv1d and, in half precision, flash-attn; otherwise torch.
    compiled : bool
        On a CPU the compiled library (`genomenet.ops.native`); otherwise torch.
    tensor_float : bool
        Products of float32 matrices run in TF32 (`train.matmul_precision` high or medium): no
        matter for memory.
    """

    half: bool = False
    packaged: bool = False
    compiled: bool = False
    tensor_float: bool = False

    @property
    def product(self) -> int:
        """Bytes of a number that goes into a matrix product or comes out of it."""
        return 2 if self.half else FLOAT

    @property
    def copy(self) -> int:
        """Bytes of the float32 copy that statistics and scans make of such a number."""
        return FLOAT if self.half else 0


@dataclass(frozen=True)
class Saved:
    """Bytes kept for the backward pass, by part.

    Attributes
    ----------
    residual : float
        The residual stream before every norm; under activation checkpointing, before every layer.
    mamba, attention, mlp : float
        Within the mixers, and within MLPs and mixtures of experts.
    chunking, cross_attention : float
        Finding boundaries and the way inwards and back; pooling and reading of BLT.
    head : float
        Embeddings, head and loss.
    """

    residual: float = 0.0
    mamba: float = 0.0
    attention: float = 0.0
    mlp: float = 0.0
    chunking: float = 0.0
    cross_attention: float = 0.0
    head: float = 0.0

    def __add__(self, other: "Saved") -> "Saved":
        """Part by part."""
        return Saved(*(getattr(self, part) + getattr(other, part) for part in vars(self)))

    @property
    def total(self) -> float:
        """All parts together."""
        return sum(vars(self).values())


def norm_bytes(positions: float, width: int) -> float:
    """What an RMSNorm keeps: its input and one number a position."""
    return positions * FLOAT * (width + 1)


def layer_bytes(
    letter: str, numbers: StageConfig, rows: int, length: float, kernels: Kernels
) -> Saved:
    """What one layer keeps.

    Parameters
    ----------
    letter : str
        m, M, t, T or E; see genomenet/nn/layout.py.
    numbers : StageConfig
        Widths of its stage.
    rows : int
        Windows of the micro-batch.
    length : float
        Positions of a row of the stage, padding included.
    kernels : Kernels
        How it computes.
    """
    positions, norm = rows * length, norm_bytes(rows * length, numbers.d_model)
    mixer = positions * numbers.d_model * kernels.product  # what the mixer's projection reads
    mlp = 0.0
    if width := numbers.mlp_width(letter):
        # Both halves, what the second projection reads, and torch keeps what silu gave.
        inner = 3 if kernels.compiled else 4
        one = (numbers.d_model + inner * width) * kernels.product
        mlp = _mixture(numbers, positions, one, kernels) if letter == "E" else positions * one
    residual = norm * (2 if width else 1)
    if letter in "tTE":
        return Saved(
            residual, attention=mixer + _attention(numbers, rows, length, kernels), mlp=mlp
        )
    return Saved(residual, mamba=mixer + _mamba(numbers, rows, length, kernels), mlp=mlp)


def checkpointed_bytes(numbers: StageConfig, rows: int, length: float) -> Saved:
    """What one layer keeps that works its activations out anew: the residual stream before it."""
    return Saved(rows * length * numbers.d_model * FLOAT)


def _mamba(numbers: StageConfig, rows: int, length: float, kernels: Kernels) -> float:
    inner, states, heads = numbers.d_inner, numbers.d_state, numbers.mamba_heads
    channels = inner + 2 * states
    projected = 2 * inner + 2 * states + heads
    product, copy = kernels.product, kernels.copy
    if kernels.compiled:
        # Float32 throughout: the projection, what was convolved, step sizes, the scan's output
        # and a statistic; what the last projection reads; a state more than there are blocks.
        each = FLOAT * (projected + channels + heads + inner + 1) + inner * product
        carried = (math.ceil(length / SCAN_BLOCK) + 1) * states * inner * FLOAT
        return rows * (length * each + carried)
    each = projected * product  # before the convolution; what comes out of it is below
    each += (2 * heads + 1) * FLOAT  # step sizes, before and after the softplus; a statistic
    each += inner * product  # what the last projection reads
    if not kernels.packaged:
        each += (channels + inner) * FLOAT  # x, B and C as the scan reads them; its output
        each += inner * copy  # the gated norm's copy of the gate
        carried = math.ceil(length / SCAN_BLOCK) * states * inner * FLOAT
        return rows * (length * each + carried)
    each += (channels + inner) * product  # x, B and C; the scan's output
    if projected % 8:
        each += channels * product  # the convolution's input is copied where it isn't aligned
    padded = math.ceil(length / PACKAGED_BLOCK) * PACKAGED_BLOCK
    return rows * (length * each + padded * heads * FLOAT)  # cumulated decays


def _attention(numbers: StageConfig, rows: int, length: float, kernels: Kernels) -> float:
    d_model, heads = numbers.d_model, numbers.d_model // numbers.head_dim
    # Projected, rotated queries and keys, output; the logarithms of the softmax's sums.
    each = 6 * d_model * kernels.product + heads * FLOAT
    window = numbers.window
    if not 0 <= window < length - 1 or kernels.compiled or (kernels.packaged and kernels.half):
        return rows * length * each
    # torch's windows: what attention gives for every block is kept beside all of it in one piece;
    # keys and values are unfolded into blocks, which for a single row are views.
    from genomenet.ops.attention import query_block

    rest = int(length) - window - 1
    block = query_block(window, rest)
    copied = length + (rest // block * (2 * (block + window) + block) if rows > 1 else 0)
    mask = block * (block + window)
    return rows * (length * each + copied * d_model * kernels.product) + mask * kernels.product


def _mixture(numbers: StageConfig, positions: float, one: float, kernels: Kernels) -> float:
    """The router, and every expert on the positions it is given, which cost `one` each."""
    d_model, active = numbers.d_model, numbers.experts_per_position
    router = (d_model + numbers.experts) * FLOAT
    chosen = 3 * INDEX + 2 * FLOAT + d_model * kernels.product  # order, weights, results
    padded = positions * active + numbers.experts * PADDED_ROWS
    return positions * (router + active * chosen) + padded * one


def select_bytes(
    d_model: int,
    inner_width: int,
    rows: int,
    length: float,
    chunks: float,
    *,
    learned: str,
    unpool: str,
    closing_norm: bool,
) -> Saved:
    """What a stage of H-Net or SpaceByte keeps between its encoder and its decoder.

    Parameters
    ----------
    d_model, inner_width : int
        Widths of the stage and of the network within.
    rows : int
        Windows.
    length, chunks : float
        Positions, and chunks that a row has room for.
    learned : {"learned", "linear", ""}
        The router, where there is one.
    unpool : {"smooth", "spread", "boundary"}
        The way back.
    closing_norm : bool
        Whether the networks end in norms.
    """
    positions, slots = rows * length, rows * chunks
    kept = slots * INDEX  # where chunks begin
    if learned or unpool != "boundary":
        kept += positions * d_model * FLOAT if closing_norm else 0  # the encoder's output
    kept += router_bytes(d_model, rows, length, learned)
    if unpool == "boundary":
        return Saved(chunking=kept)
    kept += positions * (INDEX + FLOAT)  # the chunk of every position, and its confidence
    if learned:
        kept += positions * d_model * FLOAT  # spread chunks, which the confidence weighs
    if unpool == "smooth":
        # Probabilities before and after the clamp, and the result; the vectors smoothed.
        kept += slots * FLOAT * (2 + d_model + inner_width)
    return Saved(chunking=kept)


def router_bytes(d_model: int, rows: int, length: float, learned: str) -> float:
    """What a router keeps, beside the encoder's output: "learned", "linear" or none ("")."""
    if not learned:
        return 0.0
    each = FLOAT + 2  # clamp or sigmoid; where boundaries are forced, and where they are
    if learned == "learned":
        # Projected vectors and normalised ones, twice; and, unless the batch is a single row, the
        # slices without the last and without the first position.
        each += FLOAT * (2 * d_model * (3 if rows > 1 else 2) + 4)
    return rows * length * each


def pooling_bytes(
    numbers: StageConfig, inner_width: int, slots: int, rows: int, length: float, chunks: float,
    kernels: Kernels,
) -> float:  # fmt: skip
    """What BLT's way inwards keeps: largest values, queries, and attention to positions."""
    d, heads = numbers.d_model, numbers.d_model // numbers.head_dim
    product = kernels.product
    pooled = slots * d
    each = INDEX + INDEX  # segments: of the maximum, of attention
    each += FLOAT * (d + 1)  # the encoder's output, and its norm's statistic
    each += d * product + 2 * d * FLOAT  # normalised; keys and values
    each += slots * heads * FLOAT  # probabilities
    chunk = FLOAT * d * 2 + (d * product if kernels.half else 0)  # zeros, maximum and its copy
    chunk += pooled * FLOAT + slots * FLOAT  # slots before the norm, and its statistic
    chunk += pooled * (product + FLOAT)  # normalised; queries
    chunk += pooled * (FLOAT + (product if kernels.half else 0))  # what was found
    chunk += pooled * product if pooled != inner_width else 0  # on the way to the width within
    chunk += inner_width * product  # what becomes slots on the way back
    return rows * (length * each + chunks * chunk)


def reading_bytes(
    numbers: StageConfig, slots: int, rows: int, length: float, chunks: float, weighed: bool,
    kernels: Kernels,
) -> float:  # fmt: skip
    """What one of BLT's decoder layers keeps of reading chunks, beside the layer itself."""
    d, heads = numbers.d_model, numbers.d_model // numbers.head_dim
    product, copy = kernels.product, kernels.copy
    each, chunk = float(INDEX), slots * (d * copy + FLOAT + d * product)  # segment; norm of slots
    if weighed:
        each += d * product + FLOAT
    if slots == 1:
        chunk += d * product
        return rows * (length * each + chunks * chunk)
    each += FLOAT * (2 * d + 1) + d * product  # norm and queries; normalised
    each += slots * heads * FLOAT + d * product  # probabilities, what was found
    chunk += slots * 2 * d * FLOAT  # keys and values
    return rows * (length * each + chunks * chunk)
