"""What is told of a machine."""

import os
import sys

import torch

from genomenet.training import machine


def test_the_processor_is_this_one():
    found = machine.processor()
    assert found.cores == len(os.sched_getaffinity(0))
    assert found.threads == torch.get_num_threads()
    assert 0 < found.free_bytes < found.memory_bytes


def test_optional_packages_are_imported_to_see(monkeypatch, tmp_path):
    versions = {"py2bit": "1.0", "mappy": "2.28", "flash-attn": "2.8.3"}
    monkeypatch.setattr(machine, "installed", lambda name: versions.get(name, ""))
    (tmp_path / "mappy.py").write_text("raise OSError('libz.so.1: cannot open')", encoding="utf-8")
    (tmp_path / "flash_attn.py").write_text("import flash_attn_2_cuda", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("mappy", "flash_attn"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    found = {package.name: package for package in machine.packages()}
    assert found["py2bit"].works
    assert found["mappy"].problem == "OSError: libz.so.1: cannot open"
    assert not found["mappy"].works
    assert found["flash-attn"].problem == (
        "ModuleNotFoundError: No module named 'flash_attn_2_cuda'"
    )
    assert not found["pyarrow"].works  # not installed, as far as this test is concerned
    assert found["pyarrow"].problem == ""
    assert set(found) == {*machine.KERNEL_PACKAGES, *machine.OPTIONAL}


def test_programs_are_looked_for(monkeypatch, tmp_path):
    (tmp_path / "sbatch").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = machine.clients()
    assert found.pop("sbatch") == str(tmp_path / "sbatch")
    assert set(found) == set(machine.CLIENTS) - {"sbatch"}
    assert not any(found.values())


def test_gpus_are_told_as_torch_tells_them(monkeypatch):
    class Properties:
        name, total_memory, major, minor = "NVIDIA A100-SXM4-40GB", 40 * 2**30, 8, 0

    assert machine.devices() == [] or torch.cuda.is_available()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: Properties)
    assert [gpu.name for gpu in machine.devices()] == ["cuda:0", "cuda:1"]
    assert machine.devices()[1].model == "NVIDIA A100-SXM4-40GB"
    assert machine.devices()[1].capability == "8.0"
    assert machine.describe_machine(True)["gpus"] == ["NVIDIA A100-SXM4-40GB"] * 2
    assert machine.describe_machine(False)["gpus"] == []
