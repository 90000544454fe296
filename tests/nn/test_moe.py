"""The mixture of experts against a loop over positions, and what its balance loss counts."""

import copy

import pytest
import torch

from genomenet.nn.moe import MixtureOfExperts, balance_losses
from tests.oracles import model as oracle

D, WIDTH = 6, 10


def make(experts: int, top_k: int, seed: int = 0) -> MixtureOfExperts:
    torch.manual_seed(seed)
    return MixtureOfExperts(D, WIDTH, experts, top_k).double()


@pytest.mark.parametrize(("experts", "top_k"), [(1, 1), (4, 1), (4, 2), (3, 3), (9, 2)])
def test_values_and_gradients_equal_a_loop_over_positions(experts, top_k):
    moe = make(experts, top_k)
    x = torch.randn(3, 50, D, dtype=torch.float64, requires_grad=True)
    probe = torch.randn_like(x)
    y = moe(x)
    (y * probe).sum().backward()

    weights = {key: value.detach().requires_grad_() for key, value in moe.named_parameters()}
    x_again = x.detach().requires_grad_()
    expected = oracle.mixture(weights, "", top_k, x_again.flatten(0, 1)).view_as(x)
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-13)
    gradients = torch.autograd.grad(
        (expected * probe).sum(), [x_again, *weights.values()], allow_unused=True
    )
    torch.testing.assert_close(x.grad, gradients[0], rtol=1e-10, atol=1e-12)
    for (key, parameter), gradient in zip(moe.named_parameters(), gradients[1:], strict=True):
        wanted = torch.zeros_like(parameter) if gradient is None else gradient
        torch.testing.assert_close(parameter.grad, wanted, rtol=1e-10, atol=1e-12, msg=key)


def test_one_expert_a_position_still_teaches_the_router():
    moe = make(4, 1)
    moe(torch.randn(20, D, dtype=torch.float64)).square().sum().backward()
    assert moe.router.weight.grad.abs().sum() > 0


def test_a_position_does_not_depend_on_the_others():
    moe = make(5, 2)
    x = torch.randn(4, 33, D, dtype=torch.float64)
    together = moe(x)
    for row in range(4):
        torch.testing.assert_close(moe(x[row : row + 1])[0], together[row])
    for t in range(33):
        torch.testing.assert_close(moe(x[:, t]), together[:, t])


def test_experts_without_a_position_have_gradients_of_zero():
    moe = make(8, 1)
    moe(torch.randn(1, D, dtype=torch.float64)).sum().backward()
    assert all(parameter.grad is not None for parameter in moe.parameters())
    assert sum(bool(expert.fc1.weight.grad.any()) for expert in moe.experts) == 1


def test_balance_loss_by_hand():
    moe = make(3, 2)
    x = torch.randn(40, D, dtype=torch.float64)
    moe(x)
    p = (x @ moe.router.weight.T).softmax(-1)
    load = [0.0] * 3
    for row in p:
        for expert in sorted(range(3), key=lambda e: -row[e].item())[:2]:
            load[expert] += 1 / 80
    expected = 3 * sum(load[e] * p[:, e].mean() for e in range(3))
    torch.testing.assert_close(moe.loads.balance_loss(), expected)


def test_even_loads_have_a_balance_loss_of_one():
    moe = MixtureOfExperts(4, WIDTH, 4, 1)
    with torch.no_grad():
        moe.router.weight.copy_(torch.eye(4))
    moe(torch.eye(4).repeat(5, 1))
    torch.testing.assert_close(moe.loads.balance_loss(), torch.tensor(1.0))


def test_padding_is_no_part_of_the_balance():
    moe = make(4, 2)
    x = torch.randn(2, 30, D, dtype=torch.float64)
    valid = torch.arange(30) < torch.tensor([[30], [11]])
    moe(x, valid)
    (gradient,) = torch.autograd.grad(moe.loads.balance_loss(), moe.router.weight)
    padded = moe.loads.balance_loss()
    moe(x[valid])
    torch.testing.assert_close(padded, moe.loads.balance_loss())
    (alone,) = torch.autograd.grad(moe.loads.balance_loss(), moe.router.weight)
    torch.testing.assert_close(gradient, alone)
    assert balance_losses(torch.nn.Sequential(moe, torch.nn.ReLU())) == [moe.loads.balance_loss()]


def test_the_router_stays_in_float32_under_autocast():
    moe = MixtureOfExperts(D, WIDTH, 4, 2)
    x = torch.randn(50, D)
    moe(x)
    exact = moe.loads.balance_loss()
    with torch.autocast("cpu", torch.bfloat16):
        moe(x)
    assert torch.equal(moe.loads.balance_loss(), exact)


def test_can_be_copied_after_a_forward_pass_without_gradients():
    moe = make(4, 2)
    with torch.no_grad():
        moe(torch.randn(5, D, dtype=torch.float64))
    assert len(copy.deepcopy(moe).experts) == 4
