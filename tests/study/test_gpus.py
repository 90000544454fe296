"""Processes that train side by side take different GPUs, and leave them when they end."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from genomenet.study import gpus

HOLDS = """
import sys
from pathlib import Path
from genomenet.locks import try_lock
held = try_lock(Path(sys.argv[1]))
print(held is not None, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def chosen(monkeypatch):
    """Two GPUs that are not there; the list of what was chosen."""
    found: list[int] = []
    monkeypatch.setattr(gpus, "_held", {})
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", found.append)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda number: SimpleNamespace(uuid=f"u{number}")
    )
    return found


def other_process(path) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "True\n"
    return process


def test_each_process_takes_a_gpu_of_its_own_and_keeps_it(chosen, tmp_path, monkeypatch):
    one, two = (other_process(tmp_path / f"gpu-u{number}") for number in (0, 1))
    assert gpus.take_gpu(tmp_path) is None
    two.communicate()
    assert gpus.take_gpu(tmp_path) == 1
    one.communicate()
    assert gpus.take_gpu(tmp_path) == 1  # this process has one already
    assert chosen == [1, 1]
    monkeypatch.setattr(gpus, "_held", {})  # what was held is let go of
    assert gpus.take_gpu(tmp_path) == 0


def test_one_gpu_needs_no_choice(chosen, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert gpus.take_gpu(tmp_path) is None
    assert chosen == []
    assert not any(tmp_path.iterdir())
