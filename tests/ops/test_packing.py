"""Packed rows: what each operation makes of them is what it makes of every sequence alone."""

import pytest
import torch

from genomenet.ops import backend
from genomenet.ops.attention import causal_attention
from genomenet.ops.conv import causal_conv_silu
from genomenet.ops.packing import Packing
from genomenet.ops.rope import apply_rope
from genomenet.ops.ssd import ssd_scan
from tests.host_waits import HostWaits
from tests.ops import stand_ins
from tests.ops.interpreted import install_interpreted
from tests.oracles import ops as oracle
from tests.oracles.compare import assert_matches

COUNTS = [5, 1, 70, 33]
LENGTH = 72
PACKING = Packing.of(torch.tensor(COUNTS), LENGTH, max(COUNTS), sum(COUNTS))
HEADS, WIDTH, STATES, CHANNELS = 2, 16, 16, 16


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def scan_inputs():
    m = sum(COUNTS)
    return [
        normal(1, m, HEADS, WIDTH),
        torch.nn.functional.softplus(normal(1, m, HEADS) - 2),
        -torch.rand(HEADS, dtype=torch.float64) * 8 - 0.5,
        normal(1, m, STATES),
        normal(1, m, STATES),
        normal(HEADS),
    ]


def packed_scan(x, dt, A, B, C, D):
    exact = (t if x.dtype == torch.float64 else t.float() for t in (dt, A, D))
    dt, A, D = exact
    return ssd_scan(x, dt, A, B, C, D, packing=PACKING)


def alone(op, *packed):
    """An operation on each sequence for itself."""
    return torch.cat(
        [op(*parts) for parts in zip(*(t.split(COUNTS, 1) for t in packed), strict=True)], 1
    )


OPS = {
    "ssd": (
        packed_scan,
        lambda x, dt, A, B, C, D: alone(
            lambda x, dt, B, C: oracle.ssd(x, dt, A, B, C, D), x, dt, B, C
        ),
        scan_inputs,
    ),
    "conv": (
        lambda x, w, b: causal_conv_silu(x, w, b, PACKING),
        lambda x, w, b: alone(lambda x: oracle.conv_silu(x, w, b), x),
        lambda: [normal(1, sum(COUNTS), CHANNELS), normal(CHANNELS, 4), normal(CHANNELS)],
    ),
    **{
        f"attention {window}": (
            lambda q, k, v, window=window: causal_attention(q, k, v, window, PACKING),
            lambda q, k, v, window=window: alone(
                lambda *qkv: oracle.attention(*qkv, window), q, k, v
            ),
            lambda: list(normal(3, 1, sum(COUNTS), HEADS, WIDTH)),
        )
        for window in (-1, 6)
    },
    "rope": (
        lambda x: apply_rope(x, 8, packing=PACKING),
        lambda x: alone(lambda x: apply_rope(x, 8), x),
        lambda: [normal(1, sum(COUNTS), HEADS, WIDTH)],
    ),
}


@pytest.mark.parametrize("name", OPS)
def test_torch_sees_every_sequence_alone(name):
    op, slow, inputs = OPS[name]
    assert_matches(op, slow, inputs(), torch.float64, 1e-11)


@pytest.fixture(params=["stand-ins", pytest.param("packages", marks=pytest.mark.kernels)])
def packages(request, monkeypatch):
    if request.param == "packages":
        install_interpreted(monkeypatch)
    else:
        stand_ins.install_all(monkeypatch)
        stand_ins.as_cuda(monkeypatch)
    yield request.param
    backend.packaged.cache_clear()


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(
    ("name", "dtype", "bound"),
    [
        ("ssd", torch.float32, 1e-5),
        ("ssd", torch.float16, 3e-3),
        ("conv", torch.float32, 1e-5),
        ("conv", torch.float16, 3e-3),
        ("attention -1", torch.float16, 3e-3),
        ("attention 6", torch.float16, 3e-3),
        ("attention 6", torch.bfloat16, 2e-2),
    ],
)
def test_packages_see_every_sequence_alone(name, dtype, bound, monkeypatch):
    monkeypatch.setattr(Packing, "padded", lambda *_: pytest.fail("padded again"))
    op, slow, inputs = OPS[name]
    assert_matches(op, slow, inputs(), dtype, bound)


@pytest.mark.kernels
def test_the_scan_forgets_in_the_middle_of_its_chunks(monkeypatch):
    """mamba-ssm cuts at 256 positions, wherever sequences begin."""
    install_interpreted(monkeypatch)
    counts = [250, 12, 30]
    packing = Packing.of(torch.tensor(counts), 256, 250, sum(counts))
    m = sum(counts)
    inputs = [normal(1, m, 1, 16), torch.rand(1, m, 1).double(), -torch.rand(1).double()]
    inputs += [normal(1, m, 16), normal(1, m, 16), normal(1)]

    def slow(x, dt, A, B, C, D):
        parts = zip(*(t.split(counts, 1) for t in (x, dt, B, C)), strict=True)
        return torch.cat([oracle.ssd(x, dt, A, B, C, D) for x, dt, B, C in parts], 1)

    assert_matches(
        lambda *tensors: ssd_scan(*tensors, packing=packing), slow, inputs, torch.float32, 1e-5
    )


def test_packing_and_back():
    x = normal(len(COUNTS), LENGTH, 3).requires_grad_()
    packed = PACKING.pack(x)
    assert packed.shape == (1, sum(COUNTS), 3)
    valid = torch.arange(LENGTH) < torch.tensor(COUNTS)[:, None]
    torch.testing.assert_close(packed[0], x[valid])
    torch.testing.assert_close(PACKING.unpack(packed), x * valid.unsqueeze(-1))
    weight = normal(1, sum(COUNTS), 3)
    (packed * weight).sum().backward()
    torch.testing.assert_close(x.grad, PACKING.unpack(weight))


def test_a_row_may_be_empty_and_the_host_does_not_wait():
    counts = torch.tensor([2, 0, 3])
    with HostWaits() as waits:
        packing = Packing.of(counts, 4, 3, 5)
    assert waits.total == 0, waits.counts
    assert packing.place_M.tolist() == [0, 1, 8, 9, 10]
    assert packing.position_M.tolist() == [0, 1, 0, 1, 2]
    assert packing.sequence_M.tolist() == [0, 0, 2, 2, 2]
    assert packing.start_B.tolist() == [0, 2, 2, 5]
