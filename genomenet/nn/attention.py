"""Causal multi-head attention with partial rotary positions, global or in a window."""

import torch
from torch import Tensor, nn

from genomenet.nn.kv_cache import KVCache
from genomenet.nn.linear import Linear
from genomenet.nn.rows import take_rows
from genomenet.ops.attention import attend, causal_attention
from genomenet.ops.attention_prefix import attend_behind
from genomenet.ops.packing import Packing
from genomenet.ops.rope import apply_rope_at, apply_rope_from, rotated_qkv


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
        self.Wqkv = Linear(d_model, 3 * d_model, bias=False)
        self.out_proj = Linear(d_model, d_model, bias=False)

    def forward(self, x_BLD: Tensor, packing: Packing | None = None) -> Tensor:
        """Mix positions, of packed rows within their sequences; returns (B, L, D)."""
        qkv_BL3HP = self.Wqkv(x_BLD).unflatten(-1, (3, -1, self.head_dim))
        q_BLHP, k_BLHP, v_BLHP = rotated_qkv(qkv_BL3HP, self.rotary_dim, self.rope_base, packing)
        y_BLHP = causal_attention(q_BLHP, k_BLHP, v_BLHP, self.window, packing)
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

    def read(self, x_BLD: Tensor, valid_BL: Tensor, state: KVCache) -> Tensor:
        """Many positions behind the state; equals a loop of `step` over the valid ones."""
        qkv_BL3HP = self.Wqkv(x_BLD).unflatten(-1, (3, -1, self.head_dim))
        qk_BLXP = apply_rope_from(
            qkv_BL3HP[:, :, :2].flatten(2, 3), state.position_B, self.rotary_dim, self.rope_base
        )
        q_BLHP, k_BLHP = qk_BLXP.unflatten(2, (2, -1)).unbind(2)
        v_BLHP = qkv_BL3HP[:, :, 2]
        k_BHLP, v_BHLP = k_BLHP.transpose(1, 2), v_BLHP.transpose(1, 2)
        k_past, v_past, missing_B = state.past(k_BHLP)
        state.extend(k_BHLP, v_BHLP, valid_BL)
        if k_past.shape[2]:
            y_BLHP = attend_behind(
                q_BLHP.transpose(1, 2),
                torch.cat([k_past, k_BHLP], 2),
                torch.cat([v_past, v_BHLP], 2),
                missing_B,
                self.window,
            ).transpose(1, 2)
        else:
            y_BLHP = causal_attention(q_BLHP, k_BLHP, v_BLHP, self.window)
        return self.out_proj(y_BLHP.flatten(2))
