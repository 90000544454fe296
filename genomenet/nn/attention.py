"""Causal multi-head attention with partial rotary positions, global or in a window."""

from torch import Tensor, nn

from genomenet.ops.attention import causal_attention
from genomenet.ops.rope import apply_rope


class CausalAttention(nn.Module):
    """Multi-head attention in which a position sees itself and earlier positions.

    Positions are those of the sequence at hand: bases outside, chunks inside a hierarchy.
    Source: github.com/goombalab/hnet.

    Parameters
    ----------
    d_model : int
        Width; `head_dim` must divide it.
    head_dim : int
        Width of a head.
    rotary_dim : int
        Rotated dimensions of each head, from the first on.
    window : int
        Earlier positions seen, beside the position itself; -1 is all.
    """

    def __init__(self, d_model: int, head_dim: int, rotary_dim: int, window: int):
        super().__init__()
        self.head_dim = head_dim
        self.rotary_dim = rotary_dim
        self.window = window
        self.Wqkv = nn.Linear(d_model, 3 * d_model, bias=False)
        self.out_proj = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Mix positions; returns (B, L, D)."""
        qkv_BL3HP = self.Wqkv(x_BLD).unflatten(-1, (3, -1, self.head_dim))
        q_BLHP, k_BLHP, v_BLHP = qkv_BL3HP.unbind(2)
        if self.rotary_dim:
            q_BLHP = apply_rope(q_BLHP, self.rotary_dim)
            k_BLHP = apply_rope(k_BLHP, self.rotary_dim)
        y_BLHP = causal_attention(q_BLHP, k_BLHP, v_BLHP, self.window)
        return self.out_proj(y_BLHP.flatten(2))
