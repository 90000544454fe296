"""The self-test: its references against the oracles, and that it finds kernels that are wrong."""

from genomenet.ops import reference, self_test
from genomenet.ops.linear import mkl_is_slow
from genomenet.ops.native import library
from genomenet.ops.self_test import BOUNDS, Check
from tests.ops import stand_ins


def checks() -> dict[tuple[str, str], Check]:
    return {(one.operation, one.dtype): one for one in self_test.self_test("cpu")}


def test_every_kernel_of_this_machine_passes():
    found = checks()
    assert all(one.passed for one in found.values()), found
    dtypes = {str(dtype).removeprefix("torch.") for dtype in BOUNDS}
    operations = {operation for operation, _ in found}
    assert set(found) == {(operation, dtype) for operation in operations for dtype in dtypes}
    native = "torch" if library.library() is None else "C++"
    for operation in ("scan of Mamba-2", "convolution of Mamba-2", "norm", "gated norm"):
        assert all(found[operation, dtype].kernel == native for dtype in dtypes)
    attention = "torch sdpa" if library.library() is None else "C++"
    assert found["attention in a window", "float32"].kernel == attention
    products = "oneDNN" if mkl_is_slow() else "torch"
    assert found["product with weights", "float32"].kernel == products
    assert found["product with weights", "bfloat16"].kernel == "torch"


def test_errors_are_those_of_the_dtype():
    """Neither zero, as if the kernel were its own reference, nor at the bound."""
    for one in checks().values():
        smallest = 1e-9 if one.dtype == "float32" else 1e-4
        assert smallest < one.error < one.bound / 2, one
        assert one.worst == "output" or one.worst.startswith("gradient of ")


def test_packages_are_tried_where_they_serve(monkeypatch):
    stand_ins.install_all(monkeypatch)
    stand_ins.as_cuda(monkeypatch)
    found = checks()
    assert all(one.passed for one in found.values()), found
    served = {key: one.kernel for key, one in found.items()}
    assert served["scan of Mamba-2", "float32"] == "mamba_ssm"
    assert served["convolution of Mamba-2", "bfloat16"] == "causal_conv1d"
    assert served["attention", "bfloat16"] == "flash_attn"
    assert served["gated norm", "bfloat16"] == served["norm", "float32"] == "mamba_ssm"
    packed = ("scan of Mamba-2, packed", "bfloat16"), ("attention, packed", "bfloat16")
    assert [served[one] for one in packed] == ["mamba_ssm", "flash_attn"]
    # The stand-in for a GPU is this CPU, and flash-attn has no float32.
    assert served["attention", "float32"] in ("torch sdpa", "C++")


def test_a_wrong_value_is_found(monkeypatch):
    def shifted(x, weight, bias=None, *others, activation=None):
        y = stand_ins.causal_conv1d_fn(x, weight, bias, activation=activation)
        return y.roll(1, dims=2)

    stand_ins.install(monkeypatch, "causal_conv1d", causal_conv1d_fn=shifted)
    stand_ins.as_cuda(monkeypatch)
    one = checks()["convolution of Mamba-2", "float32"]
    assert not one.passed
    assert one.kernel == "causal_conv1d"
    assert one.error > 0.1


def test_a_wrong_gradient_is_found(monkeypatch):
    smooth = self_test.ema_scan
    monkeypatch.setattr(self_test, "ema_scan", lambda z, p: smooth(z, p.detach()) + 0 * p.sum())
    one = checks()["smoothing of chunks", "float32"]
    assert not one.passed
    assert one.worst == "gradient of p"


def test_what_is_not_finite_is_found(monkeypatch):
    monkeypatch.setattr(
        self_test, "rms_norm", lambda x, weight: reference.rms_norm(x, weight) / 0 * 0
    )
    one = checks()["norm", "float32"]
    assert not one.passed
    assert one.error == float("inf")


def test_a_kernel_that_raises_is_told(monkeypatch):
    def broken(*arguments, **named):
        raise RuntimeError("no kernel image is available for execution on the device")

    stand_ins.install(monkeypatch, "flash_attn", flash_attn_func=broken)
    stand_ins.as_cuda(monkeypatch)
    found = checks()
    one = found["attention", "bfloat16"]
    assert not one.passed
    assert one.problem == "RuntimeError: no kernel image is available for execution on the device"
    assert found["attention", "float32"].passed
