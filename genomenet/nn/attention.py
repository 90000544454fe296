"""Causal multi-head attention with partial rotary positions, global or in a window."""

import torch
from torch import Tensor, nn

from genomenet.nn.kv_cache import KVCache
from genomenet.nn.rows import take_rows
from genomenet.ops.attention import attend, causal_attention
from genomenet.ops.rope import apply_rope, apply_rope_at


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
    rope_base : float
        Ratio between the slowest and the fastest rotation.
    """

    def __init__(
        self,
        d_model: int,
        head_dim: int,
        rotary_dim: int,
        window: int,
        rope_base: float = 10000.0,
    ):
        super().__init__()
        self.heads, self.head_dim = d_model // head_dim, head_dim
        self.rotary_dim = rotary_dim
        self.window = window
        self.rope_base = rope_base
        self.Wqkv = nn.Linear(d_model, 3 * d_model, bias=False)
        self.out_proj = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Mix positions; returns (B, L, D)."""
        qkv_BL3HP = self.Wqkv(x_BLD).unflatten(-1, (3, -1, self.head_dim))
        q_BLHP, k_BLHP, v_BLHP = qkv_BL3HP.unbind(2)
        if self.rotary_dim:
            q_BLHP = apply_rope(q_BLHP, self.rotary_dim, self.rope_base)
            k_BLHP = apply_rope(k_BLHP, self.rotary_dim, self.rope_base)
        y_BLHP = causal_attention(q_BLHP, k_BLHP, v_BLHP, self.window)
        return self.out_proj(y_BLHP.flatten(2))

    def new_state(self, batch_size: int, device: torch.device) -> KVCache:
        """Keys and values of `batch_size` empty sequences."""
        return KVCache(batch_size, device, self.window)

    def step(self, x_RD: Tensor, state: KVCache, rows_R: Tensor) -> Tensor:
        """One more position of the rows named; equals `forward` at that position."""
        qk_RIP, v_RHP = (
            self.Wqkv(x_RD)
            .unflatten(-1, (-1, self.head_dim))
            .split([2 * self.heads, self.heads], dim=1)
        )
        # Queries and keys turn alike, so they turn together.
        qk_RIP = apply_rope_at(
            qk_RIP, take_rows(state.position_B, rows_R), self.rotary_dim, self.rope_base
        )
        q_RHP, k_RHP = qk_RIP.chunk(2, dim=1)
        y_RHP = attend(q_RHP, *state.add(k_RHP, v_RHP, rows_R))
        return self.out_proj(y_RHP.flatten(1))
