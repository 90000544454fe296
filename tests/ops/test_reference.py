"""The references that ship with the package are the slow oracles of the tests, number by number."""

import pytest
import torch

from genomenet.ops import reference
from tests.oracles import ops as oracle
from tests.oracles import segments as slow_segments
from tests.oracles.compare import assert_matches

F = torch.float64


def normal(*shape):
    return torch.randn(shape, dtype=F)


CASES = {
    "scan": (
        reference.ssd_scan,
        oracle.ssd,
        lambda: [
            normal(2, 9, 3, 4),
            torch.rand(2, 9, 3, dtype=F),
            -torch.rand(3, dtype=F),
            normal(2, 9, 5),
            normal(2, 9, 5),
            normal(3),
        ],
    ),
    "smoothing": (
        reference.ema_scan,
        oracle.ema,
        lambda: [normal(2, 9, 3), torch.rand(2, 9, dtype=F)],
    ),
    "convolution": (
        reference.causal_conv_silu,
        oracle.conv_silu,
        lambda: [normal(2, 9, 3), normal(3, 4), normal(3)],
    ),
    "attention": (
        reference.causal_attention,
        oracle.attention,
        lambda: list(normal(3, 2, 9, 2, 4)),
    ),
    "window": (
        lambda q, k, v: reference.causal_attention(q, k, v, 3),
        lambda q, k, v: oracle.attention(q, k, v, 3),
        lambda: list(normal(3, 2, 9, 2, 4)),
    ),
    "norm": (reference.rms_norm, oracle.rms_norm, lambda: [normal(2, 9, 6), normal(6)]),
    "gated norm": (
        reference.gated_rms_norm,
        oracle.gated_rms_norm,
        lambda: [normal(2, 9, 6), normal(2, 9, 6), normal(6)],
    ),
    "rotary": (
        lambda x: reference.apply_rope(x, 4),
        lambda x: oracle.rope(x, 4),
        lambda: [normal(2, 9, 2, 6)],
    ),
}
CHUNK = torch.tensor([[0, 0, 1, 1, 1, 3, 3], [0, 1, 2, 2, 4, 4, 9]])  # chunks of none; 9 is none
SEGMENTS = {
    "segment attention": (
        lambda q, k, v: reference.segment_attention(q, k, v, CHUNK),
        lambda q, k, v: slow_segments.segment_attention(q, k, v, CHUNK),
        lambda: [normal(2, 5, 2, 2, 4), *normal(2, 2, 7, 2, 4)],
    ),
    "slot attention": (
        lambda q, k, v: reference.slot_attention(q, k, v, CHUNK),
        lambda q, k, v: slow_segments.slot_attention(q, k, v, CHUNK),
        lambda: [normal(2, 7, 2, 4), *normal(2, 2, 5, 2, 2, 4)],
    ),
    "segment maximum": (
        lambda x: reference.segment_max(x, CHUNK, 5),
        lambda x: slow_segments.segment_max(x, CHUNK, 5),
        lambda: [normal(2, 7, 4)],
    ),
}


@pytest.mark.parametrize("name", [*CASES, *SEGMENTS])
def test_references_are_the_oracles(name):
    function, slow, make = {**CASES, **SEGMENTS}[name]
    assert_matches(function, slow, make(), F, 1e-12)
