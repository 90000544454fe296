"""Numerical kernels, each with a slow float64 oracle in tests/oracles."""

from genomenet.ops.attention import causal_attention
from genomenet.ops.backend import kernels
from genomenet.ops.conv import causal_conv_silu
from genomenet.ops.ema import ema_scan
from genomenet.ops.norm import gated_rms_norm, rms_norm
from genomenet.ops.rope import apply_rope
from genomenet.ops.segments import segment_attention, segment_max, slot_attention, spread
from genomenet.ops.ssd import ssd_scan

__all__ = [
    "apply_rope",
    "causal_attention",
    "causal_conv_silu",
    "ema_scan",
    "gated_rms_norm",
    "kernels",
    "rms_norm",
    "segment_attention",
    "segment_max",
    "slot_attention",
    "spread",
    "ssd_scan",
]
