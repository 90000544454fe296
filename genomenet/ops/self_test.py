"""Try every kernel that would serve this machine against float64, in values and gradients."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from genomenet.ops import backend, reference
from genomenet.ops.attention import causal_attention
from genomenet.ops.conv import causal_conv_silu
from genomenet.ops.ema import ema_scan
from genomenet.ops.linear import linear
from genomenet.ops.norm import gated_rms_norm, rms_norm
from genomenet.ops.packing import Packing
from genomenet.ops.rope import apply_rope
from genomenet.ops.segments import segment_attention, segment_max, slot_attention
from genomenet.ops.ssd import ssd_scan

Op = Callable[..., Tensor]

BOUNDS = {torch.float32: 1e-5, torch.bfloat16: 2e-2}
"""Largest norm of a difference over the norm of what is right. bfloat16 has 8 bits: 4e-3."""

TF32_BOUND = 5e-3
"""For float32 on a GPU, whose kernels may multiply with TF32's 11 bits."""

LENGTH = 131  # positions: a prime, so that no block divides it
SEQUENCES = [100, 150, 2 * LENGTH - 250]  # packed in one row


@dataclass(frozen=True)
class Check:
    """How a kernel did.

    Attributes
    ----------
    operation : str
        What it computes.
    kernel : str
        Who computes it, as in `genomenet.ops.kernels`.
    device, dtype : str
        Where, and in what.
    error : float
        Largest of the relative errors of the output and of all gradients; infinite if a number is
        not finite, or the kernel did not run.
    worst : str
        Where the error is largest: "output", or "gradient of ...".
    bound : float
        What is allowed.
    problem : str
        What the kernel raised; empty if it ran.
    seconds : float
        How long it took, with its reference.
    """

    operation: str
    kernel: str
    device: str
    dtype: str
    error: float
    worst: str
    bound: float
    problem: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the kernel ran, and is as exact as its dtype allows."""
        return not self.problem and self.error <= self.bound


@dataclass(frozen=True)
class _Case:
    """An op, its reference, and inputs: those that are floating get gradients.

    `serves` is the name of the operation in `backend`, where others than torch could serve it.
    """

    operation: str
    op: Op
    reference: Op
    inputs: dict[str, Tensor]
    serves: str = ""
    exact: tuple[str, ...] = ()  # inputs that models never hand over below float32


def self_test(device: torch.device | str) -> Iterator[Check]:
    """Run every op on `device`, in float32 and bfloat16, by whatever kernel serves it there.

    Parameters
    ----------
    device : torch.device or str
        Such as ``"cpu"`` or ``"cuda:0"``.

    Yields
    ------
    Check
        One an op and dtype. A kernel that raises is a check that did not pass.
    """
    device = torch.device(device)
    for case in _cases():
        for dtype, bound in BOUNDS.items():
            if device.type == "cuda" and dtype == torch.float32:
                bound = TF32_BOUND
            yield _check(case, device, dtype, bound)


def _check(case: _Case, device: torch.device, dtype: torch.dtype, bound: float) -> Check:
    started = time.perf_counter()
    # Rounded first, so that kernel and reference read the same numbers.
    rounded = {
        name: t.to(torch.float32 if name in case.exact else dtype) if t.is_floating_point() else t
        for name, t in case.inputs.items()
    }
    main = next(iter(rounded.values())).to(device)
    errors, problem = {}, ""
    try:
        errors = _errors(case, rounded, device)
    except Exception as error:  # whatever a kernel raises is what is to be told of it
        problem = f"{type(error).__name__}: {error}"
    worst = max(errors, key=errors.__getitem__, default="")
    return Check(
        operation=case.operation,
        kernel=backend.kernel_of(case.serves, main),
        device=str(device),
        dtype=str(dtype).removeprefix("torch."),
        error=errors.get(worst, float("inf")),
        worst=worst,
        bound=bound,
        problem=problem,
        seconds=time.perf_counter() - started,
    )


def _errors(case: _Case, rounded: dict[str, Tensor], device: torch.device) -> dict[str, float]:
    """Relative error of the output and of every gradient."""
    exact = [t.double() if t.is_floating_point() else t for t in rounded.values()]
    generator = torch.Generator().manual_seed(1)
    expected = _run(case.reference, exact, generator)
    found = _run(case.op, [t.to(device) for t in rounded.values()], generator.manual_seed(1))
    names = ["output"]
    names += [f"gradient of {name}" for name, t in rounded.items() if t.is_floating_point()]
    floor = 1e-2 * torch.linalg.vector_norm(expected[0]).item()  # some gradients are nearly 0
    return {
        name: _relative(one, other, floor)
        for name, one, other in zip(names, found, expected, strict=True)
    }


def _run(op: Op, inputs: Sequence[Tensor], generator: torch.Generator) -> list[Tensor]:
    """The output, and the gradients of a weighted sum of it, on the CPU in float64."""
    leaves = [t.detach().requires_grad_(t.is_floating_point()) for t in inputs]
    y = op(*leaves)
    weight = torch.randn(y.shape, generator=generator, dtype=torch.float64)
    wanted = [t for t in leaves if t.requires_grad]
    gradients = torch.autograd.grad(y, wanted, weight.to(y.device, y.dtype))
    return [t.detach().to("cpu", torch.float64) for t in (y, *gradients)]


def _relative(found: Tensor, expected: Tensor, floor: float) -> float:
    difference = torch.linalg.vector_norm(found - expected)
    if not torch.isfinite(difference):
        return float("inf")
    return (difference / torch.linalg.vector_norm(expected).clamp(min=floor)).item()


def _cases() -> list[_Case]:
    """Small inputs like those of a model, the same ones each time."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    heads, width, states, channels, chunks, slots = 2, 16, 16, 64, 9, 2
    # A slice of a wider tensor, as the mixer's projection gives it.
    wide = normal(2, LENGTH, channels + 32)[..., 8 : 8 + channels]
    qkv = dict(zip("qkv", normal(3, 2, LENGTH, heads, width), strict=True))
    keys = {name: qkv[name] for name in "kv"}
    chunk = (uniform(2, LENGTH) < chunks / LENGTH).cumsum(1).clamp(max=chunks)
    slot = {name: normal(2, chunks, slots, heads, width) for name in "kv"}
    looking_back = [
        _Case(
            "scan of Mamba-2",
            ssd_scan,
            reference.ssd_scan,
            {
                "x": normal(2, LENGTH, heads, width),
                "dt": 0.1 * uniform(2, LENGTH, heads),
                "A": -8 * uniform(heads) - 0.5,
                "B": normal(2, LENGTH, states),
                "C": normal(2, LENGTH, states),
                "D": normal(heads),
            },
            serves="ssd",
            exact=("dt", "A", "D"),
        ),
        _Case(
            "convolution of Mamba-2",
            causal_conv_silu,
            reference.causal_conv_silu,
            {"x": wide, "weight": normal(channels, 4), "bias": normal(channels)},
            serves="conv",
        ),
        *(
            _Case(
                name,
                partial(causal_attention, window=window),
                partial(reference.causal_attention, window=window),
                qkv,
                serves="attention",
            )
            for name, window in (("attention", -1), ("attention in a window", 40))
        ),
    ]
    return [
        *looking_back,
        *map(_packed, looking_back),
        _Case(
            "product with weights",
            linear,
            torch.nn.functional.linear,
            {"x": normal(2, 64, channels), "weight": normal(channels + 32, channels)},
            serves="linear",
        ),
        _Case(
            "rotary positions",
            lambda x: apply_rope(x, width // 2),
            lambda x: reference.apply_rope(x, width // 2),
            {"x": normal(2, LENGTH, heads, width)},
        ),
        _Case(
            "smoothing of chunks",
            ema_scan,
            reference.ema_scan,
            {"z": normal(2, LENGTH, width), "p": uniform(2, LENGTH)},
            exact=("p",),
        ),
        _Case(
            "norm",
            rms_norm,
            reference.rms_norm,
            {"x": normal(2, LENGTH, channels), "weight": normal(channels)},
            serves="norm",
        ),
        _Case(
            "gated norm",
            gated_rms_norm,
            reference.gated_rms_norm,
            {"y": normal(2, LENGTH, channels), "z": wide, "weight": normal(channels)},
            serves="norm",
        ),
        _Case(
            "attention of chunks to bases",
            segment_attention,
            reference.segment_attention,
            {"q": normal(2, chunks, slots, heads, width), **keys, "chunk": chunk},
        ),
        _Case(
            "attention of bases to chunks",
            slot_attention,
            reference.slot_attention,
            {"q": qkv["q"], **slot, "chunk": chunk.clamp(max=chunks - 1)},
        ),
        _Case(
            "maximum of chunks",
            lambda x, chunk: segment_max(x, chunk, chunks),
            lambda x, chunk: reference.segment_max(x, chunk, chunks),
            {"x": normal(2, LENGTH, width), "chunk": chunk},
        ),
    ]


def _packed(case: _Case) -> _Case:
    """The same op on sequences in one row; the reference has each for itself."""
    whole = sum(SEQUENCES)
    inputs = {
        name: t.reshape(1, whole, *t.shape[2:]) if t.shape[:2] == (2, LENGTH) else t
        for name, t in case.inputs.items()
    }

    def op(*given: Tensor) -> Tensor:
        counts = torch.tensor(SEQUENCES, device=given[0].device)
        packing = Packing.of(counts, max(SEQUENCES), max(SEQUENCES), whole)
        return case.op(*given, packing=packing)

    def alone(*given: Tensor) -> Tensor:
        parts = [t.split(SEQUENCES, 1) if t.shape[:2] == (1, whole) else (t,) * 3 for t in given]
        return torch.cat([case.reference(*each) for each in zip(*parts, strict=True)], 1)

    name = f"{case.operation}, packed"
    return replace(case, operation=name, op=op, reference=alone, inputs=inputs)
