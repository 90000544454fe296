"""Values and gradients of an op beside those of its float64 oracle."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def values_and_gradients(
    function: Callable[..., Tensor], inputs: Sequence[Tensor], dtype: torch.dtype, dy: Tensor
) -> list[Tensor]:
    """The output for `inputs` cast to `dtype`, and the gradient of every input."""
    leaves = [t.detach().to(dtype).requires_grad_() for t in inputs]
    y = function(*leaves)
    return [y.detach(), *torch.autograd.grad(y, leaves, dy.to(y.dtype))]


def relative(actual: Tensor, expected: Tensor, floor: float = 1e-30) -> float:
    """Norm of the difference over that of `expected` (at least `floor`); NaN gives infinity."""
    difference = torch.linalg.vector_norm(actual.double() - expected.double())
    if not torch.isfinite(difference):
        return float("inf")
    return (difference / torch.linalg.vector_norm(expected.double()).clamp(min=floor)).item()


def assert_matches(
    function: Callable[..., Tensor],
    oracle: Callable[..., Tensor],
    inputs: Sequence[Tensor],
    dtype: torch.dtype,
    bound: float,
) -> None:
    """Assert that output and all gradients lie within `bound`, relative, of the oracle's."""
    inputs = [t.to(dtype).double() for t in inputs]
    expected_y = oracle(*inputs)
    dy = torch.randn_like(expected_y)
    actual = values_and_gradients(function, inputs, dtype, dy)
    expected = values_and_gradients(oracle, inputs, torch.float64, dy)
    names = ["y", *(f"d{i}" for i in range(len(inputs)))]
    floor = 1e-2 * torch.linalg.vector_norm(dy).item()  # some gradients are exactly zero
    errors = {n: relative(a, e, floor) for n, a, e in zip(names, actual, expected, strict=True)}
    assert all(error <= bound for error in errors.values()), errors
