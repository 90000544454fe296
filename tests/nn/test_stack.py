"""Blocks and stacks: MLP widths, the residual stream and what autocast may touch."""

import torch

from genomenet.nn.stack import Block, IsotropicStack
from tests.models.arms import ARMS

NUMBERS = ARMS["mamba2"].stage(0)


def test_lower_case_has_no_mlp_and_writes_once():
    assert [Block(letter, NUMBERS).mlp is None for letter in "mMtT"] == [True, False, True, False]
    assert IsotropicStack("mMtT", NUMBERS).residual_writes == 6


def test_mlp_width_follows_the_letter():
    numbers = type(NUMBERS)(**{**vars(NUMBERS), "mlp_width_attention": 32, "mlp_width_mamba": 64})
    assert Block("T", numbers).mlp.fc2.in_features == 32
    assert Block("M", numbers).mlp.fc2.in_features == 64


def test_the_residual_stream_stays_float32_under_autocast():
    stack = IsotropicStack("MT", NUMBERS)
    seen = []
    for layer in stack.layers:
        layer.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        stack(torch.randn(2, 9, 16, dtype=torch.bfloat16))
    assert seen == [torch.float32, torch.float32]
