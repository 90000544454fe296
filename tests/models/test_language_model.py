"""The language model against its float64 oracle, causality, padding and batches."""

import pytest
import torch

from genomenet.chunking.learned import CosineRouter
from genomenet.chunking.ratio_loss import ratio_loss
from genomenet.models.language_model import LanguageModel
from tests.models.arms import ARMS, side_inputs, some_tokens
from tests.oracles import model as oracle

LENGTH = 37


def make(name: str, dtype: torch.dtype) -> LanguageModel:
    """A model whose zero-initialised parts are not zero, so that they are tested too."""
    torch.manual_seed(7)
    model = LanguageModel(ARMS[name])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.to(dtype)


@pytest.mark.parametrize("name", ARMS)
def test_float64_values_and_gradients_equal_the_oracle(name):
    model = make(name, torch.float64)
    tokens, more = some_tokens(1, LENGTH), side_inputs(1, LENGTH)
    output = model(tokens, **more)
    weights = {key: value.detach().requires_grad_() for key, value in model.named_parameters()}
    logits, probabilities, boundaries = oracle.language_model(
        weights, model.config, *(rows[0].tolist() for rows in (tokens, *more.values()))
    )
    torch.testing.assert_close(output.logits[0], logits, rtol=1e-9, atol=1e-10)
    assert len(output.boundaries) == len(boundaries) == model.config.networks().stages
    for routing, p, boundary in zip(output.boundaries, probabilities, boundaries, strict=True):
        valid = routing.valid[0]
        torch.testing.assert_close(routing.probability[0][valid], p)
        assert routing.mask[0][valid].tolist() == boundary

    probe = torch.randn(logits.shape, dtype=torch.float64)
    (output.logits[0] * probe).sum().backward()
    expected = torch.autograd.grad(
        (logits * probe).sum(), list(weights.values()), allow_unused=True
    )
    for (key, parameter), gradient in zip(model.named_parameters(), expected, strict=True):
        if gradient is None:
            assert parameter.grad is None or not parameter.grad.any(), key
        else:
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-7, atol=1e-9, msg=key)


@pytest.mark.parametrize("name", ARMS)
def test_float32_is_within_one_in_ten_thousand_of_float64(name):
    tokens, more = some_tokens(2, 96), side_inputs(2, 96)
    exact = make(name, torch.float64)(tokens, **more).logits
    single = make(name, torch.float32)(tokens, **more).logits
    assert (single - exact).norm() / exact.norm() < 1e-4


@pytest.mark.parametrize("name", ARMS)
def test_no_position_sees_a_later_one(name):
    """Change every position in turn: nothing before it moves by a single bit."""
    model = make(name, torch.float64)
    tokens, more = some_tokens(1, LENGTH), side_inputs(1, LENGTH)
    with torch.no_grad():
        before = model(tokens, **more)
        for position in range(LENGTH):
            changed = tokens.clone()
            changed[0, position] = (changed[0, position] + 1) % 5
            masked, scores = (value.clone() for value in more.values())
            masked[0, position] ^= True
            scores[0, position] = 1 - scores[0, position].nan_to_num(0.1)
            after = model(changed, masked_BL=masked, scores_BL=scores)
            torch.testing.assert_close(
                after.logits[:, :position], before.logits[:, :position], rtol=0, atol=1e-12
            )
            # The position itself must react, or the test would pass on a dead model.
            assert not torch.equal(after.logits[:, position], before.logits[:, position])


@pytest.mark.parametrize("name", ARMS)
def test_padding_and_neighbours_change_nothing(name):
    """Rows of several lengths in one padded batch equal each row alone, gradients too."""
    lengths = (LENGTH, 1, 20, 33)
    tokens, more = some_tokens(len(lengths), LENGTH), side_inputs(len(lengths), LENGTH)
    valid = torch.arange(LENGTH) < torch.tensor(lengths)[:, None]
    junk = torch.where(valid, tokens, (tokens + 2) % 5)

    model = make(name, torch.float64)
    padded = model(junk, valid, **more)
    (padded.logits * valid[..., None]).square().sum().backward()
    together = {key: value.grad.clone() for key, value in model.named_parameters()}

    model.zero_grad()
    for row, length in enumerate(lengths):
        its_own = {key: value[row : row + 1, :length] for key, value in more.items()}
        alone = model(tokens[row : row + 1, :length], **its_own)
        torch.testing.assert_close(
            padded.logits[row, :length], alone.logits[0], rtol=1e-10, atol=1e-11
        )
        for both, single in zip(padded.boundaries, alone.boundaries, strict=True):
            in_row = both.valid[row]
            alone_in_row = single.mask[0][single.valid[0]]
            assert both.mask[row][in_row].tolist() == alone_in_row.tolist()
            assert not both.mask[row][~in_row].any()
        alone.logits.square().sum().backward()
    for key, value in model.named_parameters():
        torch.testing.assert_close(value.grad, together[key], rtol=1e-8, atol=1e-9, msg=key)


@pytest.mark.parametrize("chunks", ["one a sequence", "one a base"])
def test_collapsed_routing_still_trains(chunks, monkeypatch):
    model = make("hnet mamba2", torch.float32)
    route = CosineRouter.forward

    def collapsed(router, x_BLD, positions):
        p_BL = route(router, x_BLD, positions)
        return 0.4 * p_BL if chunks == "one a sequence" else 0.6 + 0.4 * p_BL

    monkeypatch.setattr(CosineRouter, "forward", collapsed)
    output = model(some_tokens(2, LENGTH) % 4)
    expected = LENGTH if chunks == "one a sequence" else 1
    assert output.boundaries[0].positions_per_chunk == expected
    loss = output.logits.square().sum() + ratio_loss(output.boundaries[0], 3.0)
    loss.backward()
    for key, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), key
    router = model.backbone.routing_module
    assert router.q_proj_layer.weight.grad.abs().sum() > 0


def test_autocast_keeps_routing_and_smoothing_in_float32():
    model = make("hnet mamba2", torch.float32)
    tokens = some_tokens(2, 64)
    with torch.autocast("cpu", torch.bfloat16):
        output = model(tokens)
    assert output.boundaries[0].probability.dtype == torch.float32
    assert output.logits.dtype == torch.bfloat16
    exact = model(tokens).logits
    assert (output.logits.float() - exact).abs().mean() < 0.1 * exact.abs().mean()
