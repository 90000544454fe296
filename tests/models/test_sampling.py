"""Temperature, top-k, top-p and the draw against hand-made and slow forms."""

import pytest
import torch

from genomenet.errors import UserError
from genomenet.models.sampling import Sampling, draw, token_probabilities

ALL = torch.ones(5, dtype=torch.bool)


def slow(logits, sampling, allowed):
    """One row, one token at a time."""
    tokens = [v for v in range(len(logits)) if allowed[v]]
    tokens.sort(key=lambda v: -logits[v])
    if sampling.temperature == 0:
        return {tokens[0]: 1.0}
    weights = {v: torch.tensor(logits[v] / sampling.temperature).double().exp() for v in tokens}
    if sampling.top_k:
        weights = {v: weights[v] for v in tokens[: sampling.top_k]}
    total, kept, reached = sum(weights.values()), {}, 0.0
    for v, weight in weights.items():
        if reached >= sampling.top_p:
            break
        kept[v] = weight / total
        reached += kept[v]
    return {v: float(p / sum(kept.values())) for v, p in kept.items()}


@pytest.mark.parametrize("temperature", [0.0, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("top_k", [0, 1, 3, 9])
@pytest.mark.parametrize("top_p", [1e-9, 0.5, 0.9, 1.0])
def test_probabilities_equal_the_slow_form(temperature, top_k, top_p):
    torch.manual_seed(0)
    logits = torch.randn(7, 5)
    allowed = torch.tensor([True, True, False, True, True])
    sampling = Sampling(temperature, top_k, top_p).check()
    found = token_probabilities(logits, sampling, allowed)
    for row in range(7):
        expected = torch.zeros(5, dtype=torch.float64)
        for v, p in slow(logits[row].tolist(), sampling, allowed).items():
            expected[v] = p
        torch.testing.assert_close(found[row], expected)


def test_extremes_stay_numbers():
    logits = torch.tensor([[1e4, -1e4, 0.0, 3e38, -3e38]])
    for temperature in (1e-300, 1e-3, 1.0, 1e300):
        p = token_probabilities(logits, Sampling(temperature), ALL)
        assert torch.isfinite(p).all()
        torch.testing.assert_close(p.sum(-1), torch.ones(1, dtype=torch.float64))


def test_equal_scores_keep_their_order():
    p = token_probabilities(torch.zeros(1, 5), Sampling(top_k=2), ALL)
    assert p.tolist() == [[0.5, 0.5, 0, 0, 0]]


def test_draw_follows_the_sums():
    p = torch.tensor([[0.25, 0.0, 0.5, 0.25, 0.0]], dtype=torch.float64)
    for number, token in [(0.0, 0), (0.2499, 0), (0.25, 2), (0.7499, 2), (0.75, 3), (1.0, 3)]:
        assert draw(p, torch.tensor([number], dtype=torch.float64)).tolist() == [token]


def test_draws_have_the_wanted_frequencies():
    p = torch.tensor([0.1, 0.0, 0.6, 0.3, 0.0], dtype=torch.float64).expand(20000, -1)
    uniform = torch.rand(20000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    share = torch.bincount(draw(p, uniform), minlength=5) / 20000
    assert share[1] == share[4] == 0
    torch.testing.assert_close(share.double(), p[0], atol=0.02, rtol=0)


@pytest.mark.parametrize(
    ("sampling", "says"),
    [
        (Sampling(temperature=-1), "--temperature is -1"),
        (Sampling(temperature=float("nan")), "--temperature is nan"),
        (Sampling(top_k=-2), "--top_k is -2"),
        (Sampling(top_p=0), "--top_p is 0"),
        (Sampling(top_p=1.5), "--top_p is 1.5"),
    ],
)
def test_numbers_are_checked(sampling, says):
    with pytest.raises(UserError, match=says):
        sampling.check()
