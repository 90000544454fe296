"""Tiny models of every kind, as the tests want them, and what they read."""

import torch

from genomenet.models.config import ModelConfig
from tests.models.patchers import shared_patcher

SMALL = {
    "d_model": 16,
    "head_dim": 8,
    "d_state": 4,
    "mamba_head_dim": 8,
    "mlp_width_attention": 24,
    "mlp_width_mamba": 24,
    "vocab_size": 6,
}

BLT = {
    **SMALL,
    "layout": "T1t1 + T2 + T2",
    "d_model": [16, 24],
    "window": [5, -1],
    "pool": "cross_attention",
    "inner_norms": False,
}

HNET = {**SMALL, "layout": "m1 + T1 + m1"}

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
    "fixed grid": ModelConfig(**{**SMALL, "layout": "m1 + M1 + m1", "chunker": "fixed"}),
    "without cosine": ModelConfig(**{**SMALL, "layout": "m1 + M1 + m1", "chunker": "linear"}),
    "without smoothing": ModelConfig(**{**SMALL, "layout": "m1 + T1 + m1", "unpool": "spread"}),
    "without straight-through": ModelConfig(
        **{**SMALL, "layout": "m1 + M1 + m1", "straight_through": False}
    ),
    "spacebyte": ModelConfig(
        **{**SMALL, "layout": "T1 + T1 + T1", "d_model": [16, 24], "window": [7, -1]},
        unpool="boundary",
        inner_norms=False,
        chunker="fixed",
    ),
    "guarded": ModelConfig(
        **{**SMALL, "layout": "m1 + T1 + m1"}, max_chunk=4, max_boundary_share=0.2
    ),
    "other rope": ModelConfig(**{**SMALL, "layout": "T1", "rope_base": 500_000.0}),
    "moe": ModelConfig(**{**SMALL, "layout": "E1T1E1", "experts": 4, "mlp_width_expert": 12}),
    "moe within": ModelConfig(
        **{**SMALL, "layout": "m1 + E2 + m1", "experts": 3, "experts_per_position": 1}
    ),
    "blt fixed": ModelConfig(**{**BLT, "chunker": "fixed", "targets": 4}),
    "blt fixed, one slot": ModelConfig(**{**BLT, "chunker": "fixed", "targets": 4}, slots=1),
    "blt learned": ModelConfig(**BLT),
    "blt learned, one slot, long chunks": ModelConfig(**BLT, slots=1, max_chunk=11),
    "blt without straight-through": ModelConfig(**BLT, straight_through=False),
    "blt n-grams": ModelConfig(
        **{**BLT, "chunker": "fixed", "inner_norms": True}, slots=3, ngrams=[2, 3]
    ),
    "blt hashed n-grams, published residual": ModelConfig(
        **{**BLT, "d_model": [16, 32]},
        ngrams=[3, 5],
        ngram_tables="hashed",
        ngram_rows=17,
        ngram_functions=2,
        parity=True,
    ),
    "blt around hnet": ModelConfig(
        **{
            **BLT,
            "layout": "T1 + m1 + T1 + m1 + T2",
            "d_model": [16, 24, 24],
            "window": [5, -1, -1],
            "targets": [2, 2],
            "pool": ["cross_attention", "select"],
        }
    ),
    "blt within hnet": ModelConfig(
        **{
            **BLT,
            "layout": "m1 + T1 + T1 + T1 + m1",
            "d_model": [16, 24, 32],
            "window": -1,
            "targets": [2, 2],
            "pool": ["select", "cross_attention"],
        }
    ),
    "k-mers": ModelConfig(
        **{**SMALL, "layout": "T1", "vocab_size": 22, "tokeniser": "kmer", "kmer": 2}
    ),
    "random": ModelConfig(**HNET, chunker="random", chunker_seed=5),
    "soft mask, n": ModelConfig(**HNET, chunker="delimiter", delimiters=["soft_mask", "n"]),
    "motif, stop codons": ModelConfig(
        **HNET,
        chunker="delimiter",
        delimiters=["motif:AW", "motif_both:GRC", "stop_codon:1"],
        boundary_at_n=False,
    ),
    "markov": ModelConfig(**HNET, chunker="markov", patcher=shared_patcher("markov")),
    "entropy": ModelConfig(
        **HNET, chunker="entropy", patcher=shared_patcher("entropy"), max_boundary_share=0.1
    ),
    "bpe": ModelConfig(**HNET, chunker="bpe", patcher=shared_patcher("bpe")),
    "track": ModelConfig(**HNET, chunker="track", patcher=shared_patcher("track")),
    "entropy around random": ModelConfig(
        **{**SMALL, "layout": "m1 + t1 + T1 + m1 + m1", "targets": [3, 2]},
        chunker=["entropy", "random"],
        patcher=shared_patcher("entropy"),
    ),
    "blt markov": ModelConfig(**BLT, chunker="markov", patcher=shared_patcher("markov, rises")),
    "blt entropy, n-grams": ModelConfig(
        **BLT,
        chunker="entropy",
        patcher=shared_patcher("entropy, high and rising"),
        ngrams=[2, 3],
    ),
    "blt stop codons": ModelConfig(
        **BLT, chunker="delimiter", delimiters=["soft_mask", "stop_codon"]
    ),
    "spacebyte bpe": ModelConfig(
        **HNET, chunker="bpe", patcher=shared_patcher("bpe"), unpool="boundary", inner_norms=False
    ),
}


def some_tokens(rows: int, length: int) -> torch.Tensor:
    """Bases with N among them, behind a start symbol."""
    tokens = torch.randint(0, 5, (rows, length), generator=torch.Generator().manual_seed(3))
    tokens[:, 0] = 4
    return tokens


def side_inputs(rows: int, length: int) -> dict[str, torch.Tensor]:
    """A soft mask, and a track with gaps, for the chunkers that read them."""
    generator = torch.Generator().manual_seed(4)
    masked = (torch.rand(rows, length, generator=generator) < 0.2).cumsum(1) % 2 == 1
    scores = torch.rand(rows, length, generator=generator)
    scores[torch.rand(rows, length, generator=generator) < 0.2] = torch.nan
    masked[:, 0], scores[:, 0] = False, torch.nan
    return {"masked_BL": masked, "scores_BL": scores}
