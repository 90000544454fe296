"""Memory that was freed stays with the process, and nothing fails where that can't be asked for."""

import ctypes
import os
import subprocess
import sys

from genomenet import host_memory

FAULTS = """
import resource, sys
from genomenet.host_memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
import torch
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        many = [torch.ones(5_000_000) for _ in range(4)]
        del many
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


def faults(kept):
    # glibc left to itself gives back now and not another time; told to, it always does.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": str(2**17)}
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, kept],
        check=True, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    return int(done.stdout)


def test_tensors_come_from_memory_that_is_there():
    if sys.platform == "linux":
        assert faults("kept") < faults("given back") / 4


def test_other_systems_have_nothing_to_ask(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    host_memory.keep_freed_memory()
