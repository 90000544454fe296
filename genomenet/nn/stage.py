"""The numbers that the layers of one stage share."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StageConfig:
    """The numbers of one stage, with every default filled in (fields as in ModelConfig)."""

    d_model: int
    mlp_width_attention: int
    mlp_width_mamba: int
    mlp_width_expert: int
    experts: int
    experts_per_position: int
    head_dim: int
    rotary_dim: int
    rope_base: float
    window: int
    d_state: int
    d_conv: int
    d_inner: int
    mamba_head_dim: int

    @property
    def mamba_heads(self) -> int:
        """Number of Mamba-2 heads."""
        return self.d_inner // self.mamba_head_dim

    def mlp_width(self, letter: str) -> int:
        """Hidden width of the MLP (or of each expert) of a layer; 0 when the letter has none."""
        widths = {
            "T": self.mlp_width_attention,
            "M": self.mlp_width_mamba,
            "E": self.mlp_width_expert,
        }
        return widths.get(letter, 0)
