"""Layers stepped one position at a time against their parallel form, rows at different times."""

from dataclasses import replace

import pytest
import torch

from genomenet.models.config import ModelConfig
from genomenet.nn import kv_cache
from genomenet.nn.attention import CausalAttention
from genomenet.nn.mamba2 import Mamba2
from genomenet.nn.stack import IsotropicStack

NUMBERS = ModelConfig(d_model=16, head_dim=8, d_state=4, mamba_head_dim=8).stage(0)
PRECISIONS = [(torch.float64, 1e-10), (torch.float32, 1e-5)]
LAYERS = {
    "mamba2": lambda: Mamba2(16, 32, 8, 4, 4),
    "one tap": lambda: Mamba2(16, 32, 8, 4, 1),
    "attention": lambda: CausalAttention(16, 8, 4, -1, 100.0),
    "without rotation": lambda: CausalAttention(16, 8, 0, -1),
    "window of 0": lambda: CausalAttention(16, 8, 8, 0),
    "window of 5": lambda: CausalAttention(16, 8, 8, 5),
    "wide window": lambda: CausalAttention(16, 8, 8, 500),
    "stack": lambda: IsotropicStack("mMtT", NUMBERS),
    "open stack": lambda: IsotropicStack("mT", replace(NUMBERS, window=3), closing_norm=False),
}


@torch.no_grad()
def stepped(layer, x_BLD, lengths, together):
    """Step rows in turns that differ from row to row; outputs where each row has positions."""
    state = layer.new_state(len(x_BLD), x_BLD.device)
    out_BLD = torch.full_like(x_BLD, float("nan"))
    done = [0] * len(x_BLD)
    turn = torch.Generator().manual_seed(1)
    while any(at < end for at, end in zip(done, lengths, strict=True)):
        rows = [r for r in range(len(x_BLD)) if done[r] < lengths[r]]
        if not together:
            some = [r for r in rows if torch.rand((), generator=turn) < 0.6]
            rows = some or rows
        here = torch.tensor([done[r] for r in rows])
        index = torch.tensor(rows)
        out_BLD[index, here] = layer.step(x_BLD[index, here], state, index).to(out_BLD.dtype)
        for r in rows:
            done[r] += 1
    return out_BLD


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(("dtype", "bound"), PRECISIONS)
@pytest.mark.parametrize("together", [True, False])
def test_steps_equal_the_parallel_form(name, dtype, bound, together, monkeypatch):
    monkeypatch.setattr(kv_cache, "GROWTH", 4)
    torch.manual_seed(2)
    layer = LAYERS[name]().to(dtype)
    x_BLD = torch.randn(3, 23, 16, dtype=dtype)
    with torch.no_grad():
        expected = layer(x_BLD)
    lengths = [23, 9, 17]
    found = stepped(layer, x_BLD, lengths, together)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(
            found[row, :length], expected[row, :length], rtol=bound, atol=bound
        )


def test_a_window_keeps_no_more_keys_than_it_sees():
    layer = CausalAttention(16, 8, 8, 5)
    state = layer.new_state(2, torch.device("cpu"))
    with torch.no_grad():
        for _ in range(20):
            layer.step(torch.randn(2, 16), state, torch.arange(2))
    assert state._keys.shape == (2, 2, 6, 8)


def test_states_stay_exact_under_autocast():
    layer = IsotropicStack("MT", NUMBERS)
    x_BLD = torch.randn(2, 12, 16)
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            expected = layer(x_BLD)
        found = stepped(layer, x_BLD, [12, 12], True)
    state = layer.new_state(2, torch.device("cpu"))
    assert state[0].ssm_BHPN.dtype == torch.float32
    assert (found - expected).abs().mean() < 0.02 * expected.abs().mean()


def test_a_stack_without_a_closing_norm_has_no_such_weights():
    assert IsotropicStack("m", NUMBERS).rmsnorm is not None
    assert not any("rmsnorm" in k for k in IsotropicStack("m", NUMBERS, False).state_dict())
