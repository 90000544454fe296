"""Let memory that was freed stay with the process: a training step asks for the same again."""

import ctypes
import os

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
KEPT = 2**31 - 1
MAPPED = 32 * 2**20  # the most that glibc takes


def keep_freed_memory() -> None:
    """Have glibc give next to nothing back, and torch ask for large pages, where there are such.

    Otherwise large tensors come as fresh pages whenever they are made, and the kernel fills each
    with zeros: up to a tenth of a training step (benchmarks/startup.py). Call it before torch
    makes its first tensor. On other systems it does nothing.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, MAPPED)
