"""Whether the fields of a model config agree with one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genomenet.errors import UserError, nearest
from genomenet.nn.layout import Layout

if TYPE_CHECKING:
    from genomenet.models.config import ModelConfig

LEARNED = {"learned", "linear"}
"""Chunkers with weights, which the ratio loss steers."""

PATCHED = {"entropy", "markov", "bpe", "track"}
"""Chunkers that need what `genomenet calibrate` has found."""

CHUNKERS = LEARNED | PATCHED | {"fixed", "random", "delimiter"}
BASE_CHUNKERS = PATCHED | {"delimiter"}
"""Chunkers that read bases, which only the outermost stage has."""

POOLS = {"select", "cross_attention"}
PER_CHUNKING_STAGE = ("targets", "chunker", "pool", "max_chunk", "max_boundary_share")
PER_STAGE = (
    "d_model", "mlp_width_attention", "mlp_width_mamba", "mlp_width_expert", "head_dim",
    "rotary_dim", "rope_base", "window",
)  # fmt: skip
COUNTS = (
    "d_state", "d_conv", "expand", "mamba_head_dim", "slots", "kmer", "experts",
    "experts_per_position", "ngram_rows", "ngram_functions",
)  # fmt: skip


def check_model(config: ModelConfig) -> None:
    """Make sure that a model can be built.

    Raises
    ------
    UserError
        Naming the field, what is wrong with it and what would be right.
    """
    layout = config.networks()
    _check_lengths(config, layout.stages)
    for name in COUNTS:
        if getattr(config, name) < 1:
            raise UserError(f"model.{name} is {getattr(config, name)}; give a number from 1")
    width = 0
    for stage in range(layout.stages + 1):
        _check_numbers(config, stage, _letters_of_stage(layout, stage), width)
        width = config.stage(stage).d_model
    for stage in range(layout.stages):
        _check_chunking(config, stage)
    _check_tokens(config, layout)
    _check_unused(config, layout.stages)


def _check_lengths(config: ModelConfig, stages: int) -> None:
    for name in (*PER_STAGE, *PER_CHUNKING_STAGE):
        value = getattr(config, name)
        wanted = stages if name in PER_CHUNKING_STAGE else stages + 1
        if isinstance(value, list) and len(value) not in {1, wanted} and wanted > 0:
            raise UserError(
                f"model.{name} has {len(value)} values, but layout '{config.layout}' has "
                f"{stages} chunking stage(s); give one value or {wanted}"
            )


def _check_numbers(config: ModelConfig, stage: int, letters: str, outer_width: int) -> None:
    numbers = config.stage(stage)
    width = numbers.d_model
    if width < 1:
        raise UserError(f"model.d_model of stage {stage} is {width}; give a number from 1")
    if width < outer_width:
        raise UserError(
            f"model.d_model must grow inwards, but stage {stage} has {width} after {outer_width}"
        )
    attends = any(letter in "tTE" for letter in letters) or (
        stage < config.networks().stages and config.pool_of(stage) == "cross_attention"
    )
    if attends and (numbers.head_dim < 1 or width % numbers.head_dim):
        raise UserError(
            f"model.head_dim {numbers.head_dim} does not divide d_model {width} of stage {stage}"
        )
    if numbers.rotary_dim % 2 or not 0 <= numbers.rotary_dim <= numbers.head_dim:
        raise UserError(
            f"model.rotary_dim {numbers.rotary_dim} of stage {stage} must be even and at most "
            f"head_dim {numbers.head_dim}"
        )
    if not numbers.rope_base > 1:
        raise UserError(f"model.rope_base {numbers.rope_base:g} of stage {stage}; give more than 1")
    if "m" in letters.lower() and numbers.d_inner % numbers.mamba_head_dim:
        raise UserError(
            f"model.mamba_head_dim {numbers.mamba_head_dim} does not divide expand * d_model = "
            f"{numbers.d_inner} of stage {stage}"
        )
    if min(numbers.mlp_width_attention, numbers.mlp_width_mamba, numbers.mlp_width_expert) < 1:
        raise UserError(
            f"a negative MLP width in stage {stage}: give model.mlp_width_attention, "
            "model.mlp_width_mamba and model.mlp_width_expert 0 for the default, or more"
        )
    if numbers.window < -1:
        raise UserError(f"model.window {numbers.window}: use -1 for all, or a length")
    if "E" in letters and config.experts_per_position > config.experts:
        raise UserError(
            f"model.experts_per_position is {config.experts_per_position}, but there are "
            f"{config.experts} experts"
        )


def _check_chunking(config: ModelConfig, stage: int) -> None:
    target, chunker, pool = config.target(stage), config.chunker_of(stage), config.pool_of(stage)
    if chunker not in CHUNKERS:
        raise UserError(
            f"model.chunker: there is no '{chunker}'"
            + (nearest(chunker, CHUNKERS) or f"; choose of {', '.join(sorted(CHUNKERS))}")
        )
    if pool not in POOLS:
        raise UserError(f"model.pool: there is no '{pool}'; choose of {', '.join(sorted(POOLS))}")
    if not target > 1:
        raise UserError(f"model.targets: {target:g} positions per chunk; give more than 1")
    if chunker == "fixed" and target != int(target):
        raise UserError(f"model.targets: a fixed grid needs a whole number, not {target:g}")
    if stage > 0 and chunker in BASE_CHUNKERS:
        raise UserError(
            f"model.chunker '{chunker}' reads bases, so it can only be that of stage 0; use "
            "learned, linear, fixed or random within"
        )
    if chunker == "delimiter" and not config.delimiters:
        raise UserError(
            "model.delimiters is empty: name what a delimiter chunker looks for, such as "
            "[soft_mask, n]"
        )
    if chunker in LEARNED and pool == "select" and config.unpool == "boundary":
        raise UserError(
            f"model.unpool boundary gives the chunker '{chunker}' no gradient; use smooth or "
            "spread, or a chunker that does not learn"
        )
    if config.of_stage("max_chunk", stage) < 0:
        raise UserError("model.max_chunk is negative; give 0 for no limit, or a length")
    if not 0 < config.of_stage("max_boundary_share", stage) <= 1:
        raise UserError("model.max_boundary_share must be above 0 and at most 1")


def _check_tokens(config: ModelConfig, layout: Layout) -> None:
    smallest = {"dna": 5, "bytes": 256}[config.alphabet]
    if config.tokeniser == "none" and config.vocab_size < smallest:
        raise UserError(
            f"model.vocab_size is {config.vocab_size}; "
            + ("A, C, G, T and N need 5" if smallest == 5 else "bytes need 256")
        )
    if config.tokeniser != "none" and (layout.stages or config.ngrams):
        raise UserError(
            f"model.tokeniser '{config.tokeniser}' goes with an isotropic layout without n-grams"
        )
    if config.tokeniser != "none" and config.alphabet != "dna":
        raise UserError(f"model.tokeniser '{config.tokeniser}' is for DNA; use none for bytes")
    if config.tokeniser == "kmer" and config.kmer > 8:
        raise UserError(f"model.kmer is {config.kmer}; give 1 to 8")
    words = 4**config.kmer if config.tokeniser == "kmer" and config.kmer > 1 else 0
    if config.tokeniser != "none" and config.vocab_size < 6 + words:
        raise UserError(
            f"model.vocab_size is {config.vocab_size}, but A, C, G, T, N, a start token and "
            f"{words:,} words need {6 + words:,}"
        )
    if config.ngrams and (min(config.ngrams) < 2 or len(set(config.ngrams)) < len(config.ngrams)):
        raise UserError(f"model.ngrams is {config.ngrams}; give different lengths from 2")
    if config.ngrams and config.ngram_tables == "exact":
        if config.alphabet != "dna":
            raise UserError("model.ngram_tables exact is for DNA; use hashed for bytes")
        if max(config.ngrams) > 12:
            raise UserError(
                f"model.ngrams {max(config.ngrams)} needs {4 ** max(config.ngrams):,} rows; give "
                "at most 12, or use model.ngram_tables hashed"
            )


def _check_unused(config: ModelConfig, stages: int) -> None:
    """A field that nothing reads: most likely, the one that would read it was forgotten."""
    chunkers = {config.chunker_of(stage) for stage in range(stages)}
    if config.patcher and patcher_kind(config) is None:
        raise UserError(
            f"model.patcher is {config.patcher}, but nothing here reads it; set model.chunker to "
            "the patcher's kind, or leave model.patcher out"
        )
    if config.delimiters and "delimiter" not in chunkers:
        raise UserError(
            f"model.delimiters is {config.delimiters}, but model.chunker is not delimiter; set it "
            "so, or leave model.delimiters out"
        )


def patcher_kind(config: ModelConfig) -> str | None:
    """The kind of patcher that a model can't do without."""
    if config.tokeniser == "bpe":
        return "bpe"
    chunker = config.chunker_of(0) if config.networks().stages else ""
    return chunker if chunker in PATCHED else None


def _letters_of_stage(layout: Layout, stage: int) -> str:
    if stage == layout.stages:
        return layout.main
    return layout.encoders[stage] + layout.decoders[stage]
