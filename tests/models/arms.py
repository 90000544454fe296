"""Tiny models of every kind, as the tests want them."""

from genomenet.models.config import ModelConfig

SMALL = {
    "d_model": 16,
    "head_dim": 8,
    "d_state": 4,
    "mamba_head_dim": 8,
    "mlp_width_attention": 24,
    "mlp_width_mamba": 24,
    "vocab_size": 6,
}

ARMS = {
    "transformer": ModelConfig(**{**SMALL, "layout": "T2"}),
    "windowed transformer": ModelConfig(**{**SMALL, "layout": "T1t1", "window": 5}),
    "mamba2": ModelConfig(**{**SMALL, "layout": "M1m1"}),
    "hnet transformer": ModelConfig(**{**SMALL, "layout": "m1 + T2 + m1"}),
    "hnet mamba2": ModelConfig(**{**SMALL, "layout": "m1t1 + M2 + m1"}),
    "hnet wider within": ModelConfig(**{**SMALL, "layout": "m1 + T1 + m1", "d_model": [16, 24]}),
    "hnet two stages": ModelConfig(
        **{**SMALL, "layout": "m1 + t1 + T1 + m1 + m1", "d_model": [16, 16, 24], "targets": [2, 3]}
    ),
    "fixed grid": ModelConfig(**{**SMALL, "layout": "m1 + M1 + m1", "router": "fixed"}),
}
