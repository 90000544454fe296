"""What a model is: one frozen dataclass, readable without torch."""

from dataclasses import dataclass, field
from typing import Any, Literal

from genomenet.models.check import check_model
from genomenet.nn.layout import Layout, parse_layout
from genomenet.nn.stage import StageConfig


@dataclass(frozen=True)
class ModelConfig:
    """A causal language model on nucleotides.

    A field given per stage is one number shared by all stages, or a list from the outermost
    stage (base resolution) inwards, one longer than the list of targets.

    Attributes
    ----------
    layout
        Networks from outside in, such as "m2 + T7 + m1": m and M are Mamba-2 layers, t and T
        causal attention, upper case has an MLP, E is attention with a mixture of experts; one
        network is an isotropic model.
    notation
        "code" reads the layout as above; "paper" reads M in encoders and decoders as Mamba-2
        without an MLP, as the H-Net paper prints it.
    alphabet
        "dna": A, C, G, T, N are tokens 0 to 4; "bytes": text, a byte is its own token.
    tokeniser
        "none": the model reads bases; "kmer" or "bpe": an isotropic model of longer tokens.
    kmer
        Bases of a k-mer token.
    ngrams
        Lengths of the n-grams whose embeddings are added to each position's (BLT); empty is
        none.
    ngram_tables
        "exact" has a row for every k-mer of DNA; "hashed" shares `ngram_rows` rows, as
        published.
    ngram_rows
        Rows of each hashed table.
    ngram_functions
        Hash functions, each with its own tables.
    d_model
        Width per stage; it may only grow inwards.
    targets
        Wanted positions per chunk, one a chunking stage.
    chunker
        Where the main network steps, per chunking stage: "learned" (H-Net's routing), "linear"
        (learned, without the cosine), "fixed" (a grid of the target), "random" (at the rate of
        the target), "delimiter"; or what a patcher knows: "entropy", "markov", "bpe", "track".
    patcher
        Folder made by `genomenet calibrate`, for a chunker or tokeniser that needs one.
    delimiters
        What a "delimiter" chunker looks for: soft_mask, n, stop_codon, motif:TATAWAW, space.
    chunker_seed
        Seed of a "random" chunker.
    max_chunk
        Longest chunk in positions per chunking stage; 0 is no limit.
    max_boundary_share
        Largest share of positions with a boundary per chunking stage; 1 is no limit.
    boundary_at_n
        Force a boundary where a run of N begins or ends.
    pool
        How a chunk becomes a vector and reaches its positions, per chunking stage: "select"
        (H-Net: the vector at the boundary) or "cross_attention" (BLT: max pooling and
        cross-attention both ways).
    slots
        Vectors per chunk in cross-attention.
    unpool
        With "select": "smooth" spreads chunks over their positions after H-Net's smoothing,
        "spread" without it, "boundary" adds each only where it begins (SpaceByte).
    straight_through
        Count the confidence of the spreading as 1 in the forward pass.
    inner_norms
        Close every network with an RMSNorm; otherwise only the last one before the head.
    mlp_width_attention
        Hidden width of the MLP after attention per stage; 0 is 8/3 of d_model.
    mlp_width_mamba
        Hidden width of the MLP after Mamba-2 per stage; 0 is 8/3 of d_model.
    experts
        Experts of a mixture.
    experts_per_position
        Experts that a position goes through.
    mlp_width_expert
        Hidden width of an expert per stage; 0 shares out the width of the MLP after attention.
    head_dim
        Width of an attention head per stage.
    rotary_dim
        Rotated dimensions of each attention head per stage; 0 is half of head_dim.
    rope_base
        Ratio of the slowest to the fastest rotation, per stage.
    window
        Positions that attention sees back per stage, beside its own; -1 is all.
    d_state
        State size of Mamba-2.
    d_conv
        Taps of Mamba-2's causal convolution.
    expand
        Inner width of Mamba-2 over d_model.
    mamba_head_dim
        Width of a Mamba-2 head.
    vocab_size
        Rows of the embedding and of the head.
    parity
        Compute as the published code does where that differs from the papers: smoothing in
        bfloat16 (H-Net), a doubled residual around cross-attention (BLT).
    source
        Where the model comes from.
    guessed
        Fields that the source does not state.
    """

    layout: str = "m2 + T7 + m1"
    notation: Literal["code", "paper"] = "code"
    alphabet: Literal["dna", "bytes"] = "dna"
    tokeniser: Literal["none", "kmer", "bpe"] = "none"
    kmer: int = 6
    ngrams: list[int] = field(default_factory=list)
    ngram_tables: Literal["exact", "hashed"] = "exact"
    ngram_rows: int = 500_002
    ngram_functions: int = 1
    d_model: int | list[int] = 128
    targets: float | list[float] = 3.0
    chunker: str | list[str] = "learned"
    patcher: str = ""
    delimiters: list[str] = field(default_factory=list)
    chunker_seed: int = 0
    max_chunk: int | list[int] = 0
    max_boundary_share: float | list[float] = 1.0
    boundary_at_n: bool = True
    pool: str | list[str] = "select"
    slots: int = 2
    unpool: Literal["smooth", "spread", "boundary"] = "smooth"
    straight_through: bool = True
    inner_norms: bool = True
    mlp_width_attention: int | list[int] = 0
    mlp_width_mamba: int | list[int] = 0
    experts: int = 8
    experts_per_position: int = 2
    mlp_width_expert: int | list[int] = 0
    head_dim: int | list[int] = 64
    rotary_dim: int | list[int] = 0
    rope_base: float | list[float] = 10_000.0
    window: int | list[int] = -1
    d_state: int = 128
    d_conv: int = 4
    expand: int = 2
    mamba_head_dim: int = 64
    vocab_size: int = 8
    parity: bool = False
    source: str = ""
    guessed: list[str] = field(default_factory=list)

    def networks(self) -> Layout:
        """The parsed layout."""
        return parse_layout(self.layout, self.notation)

    @property
    def compressions(self) -> int:
        """Steps from bases to the innermost network: chunking stages, or 1 of a tokeniser."""
        return self.networks().stages if self.tokeniser == "none" else 1

    def target(self, stage: int) -> float:
        """Wanted positions per chunk of a chunking stage, or bases per token of a tokeniser."""
        if self.tokeniser == "kmer":
            return float(self.kmer)
        return float(self.of_stage("targets", stage))

    def stage(self, stage: int) -> "StageConfig":
        """The numbers of one stage; the innermost is `networks().stages`."""
        d_model = int(self.of_stage("d_model", stage))
        head_dim = int(self.of_stage("head_dim", stage))
        default_mlp = _round_up(-(-8 * d_model // 3), MLP_MULTIPLE)
        attention = int(self.of_stage("mlp_width_attention", stage)) or default_mlp
        share = _round_up(-(-attention // max(1, self.experts_per_position)), MLP_MULTIPLE)
        return StageConfig(
            d_model=d_model,
            mlp_width_attention=attention,
            mlp_width_mamba=int(self.of_stage("mlp_width_mamba", stage)) or default_mlp,
            mlp_width_expert=int(self.of_stage("mlp_width_expert", stage)) or share,
            experts=self.experts,
            experts_per_position=self.experts_per_position,
            head_dim=head_dim,
            rotary_dim=int(self.of_stage("rotary_dim", stage)) or head_dim // 2,
            rope_base=float(self.of_stage("rope_base", stage)),
            window=int(self.of_stage("window", stage)),
            d_state=self.d_state,
            d_conv=self.d_conv,
            d_inner=self.expand * d_model,
            mamba_head_dim=self.mamba_head_dim,
        )

    def chunker_of(self, stage: int) -> str:
        """The chunker of a chunking stage."""
        return self.of_stage("chunker", stage)

    def pool_of(self, stage: int) -> str:
        """How a chunking stage makes vectors of chunks."""
        return self.of_stage("pool", stage)

    def of_stage(self, name: str, stage: int) -> Any:
        """A field's value at a stage, whether it is given per stage or once."""
        value = getattr(self, name)
        return value[0 if len(value) == 1 else stage] if isinstance(value, list) else value

    def check(self) -> "ModelConfig":
        """Return self after making sure that the fields agree; see `check_model`."""
        check_model(self)
        return self


MLP_MULTIPLE = 32
"""Default MLP widths are rounded up to a multiple of this, so that matrices stay aligned."""


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
