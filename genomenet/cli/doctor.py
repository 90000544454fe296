"""`genomenet doctor`: what this machine offers, and whether its kernels compute rightly."""

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genomenet.cli.parsing import VerbParser
from genomenet.cli.terminal import text_table

if TYPE_CHECKING:
    from genomenet.ops.self_test import Check
    from genomenet.training.machine import Device, Package


def main(words: Sequence[str]) -> int:
    """Run the verb: 0 when every kernel passes, 1 when one fails."""
    parser = VerbParser(
        "doctor",
        "[--json]",
        "Tell what is installed and which kernels will run on which device, and test each of "
        "them against float64, in values and gradients. Exits with 1 when a kernel fails.",
    )
    parser.add_argument("--json", action="store_true", help="Print one JSON object.")
    parsed = parser.read(words)

    import torch

    from genomenet.ops.backend import kernels
    from genomenet.ops.native.library import find_library
    from genomenet.ops.self_test import self_test
    from genomenet.training import machine
    from genomenet.training.record import versions

    gpus, packages = machine.devices(), machine.packages()
    names = ["cpu", *(gpu.name for gpu in gpus)]
    checks = [check for name in names for check in self_test(name)]
    untested = _untested(gpus, packages)
    passed = all(check.passed for check in checks)
    content: dict[str, Any] = {
        "versions": versions(),
        "processor": dataclasses.asdict(machine.processor()),
        "torch_cuda": torch.version.cuda,
        "gpus": [dataclasses.asdict(gpu) for gpu in gpus],
        "packages": [dataclasses.asdict(package) for package in packages],
        "clients": machine.clients(),
        "compiled_kernels": find_library()[1] or "work",
        "kernels": {name: kernels(name) for name in names},
        "checks": [_check_row(check) for check in checks],
        "untested": untested,
        "passed": passed,
    }
    if parsed.json:
        print(json.dumps(content, indent=2, allow_nan=False))
        return 0 if passed else 1
    _tell_machine(content)
    _tell_packages(packages, content["clients"])
    _tell_kernels(content["kernels"])
    if content["compiled_kernels"] != "work":
        print(f"no compiled kernels for the CPU: {content['compiled_kernels']}")
    _tell_checks(checks)
    print("\nNot tested on this machine")
    print("\n".join(f"  - {line}" for line in untested))
    failed = sum(not check.passed for check in checks)
    print(
        f"\n{failed} of {len(checks)} kernel tests failed: don't trust a run on that device"
        if failed
        else f"\nall {len(checks)} kernel tests passed"
    )
    return 0 if passed else 1


def _check_row(check: "Check") -> dict[str, Any]:
    error = check.error if check.error < float("inf") else None  # JSON has no infinity
    return {**dataclasses.asdict(check), "error": error, "passed": check.passed}


def _tell_machine(content: dict[str, Any]) -> None:
    cpu = content["processor"]
    print(", ".join(f"{name} {version}" for name, version in content["versions"].items()))
    print(
        f"{cpu['cores']} cores, {cpu['threads']} threads; {cpu['memory_bytes'] / 2**30:,.1f} GiB "
        f"of memory, {cpu['free_bytes'] / 2**30:,.1f} GiB of it unused"
    )
    for gpu in content["gpus"]:
        print(
            f"{gpu['name']}: {gpu['model']}, {gpu['memory_bytes'] / 2**30:,.1f} GiB, "
            f"compute capability {gpu['capability']}"
        )
    if not content["gpus"]:
        cuda = content["torch_cuda"]
        built = f"built for CUDA {cuda}" if cuda else "built for CPUs only"
        print(f"no GPU that this torch can use; it is {built}")


def _tell_packages(packages: "Sequence[Package]", clients: dict[str, str]) -> None:
    rows = [
        (
            package.name,
            package.version or "-",
            package.problem or ("works" if package.works else "not installed"),
            package.purpose,
        )
        for package in packages
    ]
    print("\nOptional packages")
    print(text_table(("package", "version", "state", "for"), rows, "<<<<"))
    print("\nPrograms")
    places = [(name, path or "not found") for name, path in clients.items()]
    print(text_table(("program", "where"), places, "<<"))


def _tell_kernels(kernels: dict[str, dict[str, str]]) -> None:
    operations = list(kernels["cpu"])
    rows = [(name, *(of[operation] for operation in operations)) for name, of in kernels.items()]
    print("\nKernels in use")
    print(text_table(("device", *operations), rows, "<" * (1 + len(operations))))
    if any(of["attention"] == "flash_attn" for of in kernels.values()):
        print("flash_attn serves half precision; float32 attention runs by torch sdpa")


def _tell_checks(checks: "Sequence[Check]") -> None:
    rows = [
        (
            check.operation,
            check.kernel,
            check.device,
            check.dtype,
            f"{check.error:.1e}",
            f"{check.bound:.0e}",
            ("pass" if check.passed else f"FAIL: {check.problem or check.worst}"),
        )
        for check in checks
    ]
    header = ("operation", "kernel", "device", "dtype", "error", "bound", "result")
    print("\nKernels against float64: the largest relative error of output and gradients")
    print(text_table(header, rows, "<<<<>><"))


def _untested(gpus: "Sequence[Device]", packages: "Sequence[Package]") -> list[str]:
    from genomenet.training.machine import KERNEL_PACKAGES

    lines = []
    for package in packages:
        if package.name in KERNEL_PACKAGES:
            if not package.version:
                reason = "not installed"
            elif package.problem:
                reason = f"installed, but can't be imported ({package.problem})"
            elif not gpus:
                reason = "installed, but there is no GPU to run it on"
            else:
                continue
            lines.append(f"{package.name}: {reason}; its GPU path is not tested here")
    if not gpus:
        lines.append("torch's own kernels on a GPU: there is none here")
    lines.append("speed, and training across several GPUs or nodes")
    return lines
