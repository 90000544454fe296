"""Which part of some files is in memory: throw it out, bring it in, and count it."""

import ctypes
import mmap
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_READ_BYTES = 16 << 20


def evict(files: Sequence[Path]) -> None:
    """Ask the system to forget what it holds of files; it keeps what somebody has mapped."""
    for file in files:
        with file.open("rb") as handle:
            os.fsync(handle.fileno())  # only what is on disk can be forgotten
            os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def bring_in(files: Sequence[Path]) -> None:
    """Read files from end to end, so that the system holds them, as far as they fit."""
    for file in files:
        with file.open("rb", buffering=0) as handle:
            while handle.read(_READ_BYTES):
                pass


def resident_share(files: Sequence[Path]) -> float:
    """Return the share of the pages of files that is in memory, from 0 to 1; Linux only."""
    libc = ctypes.CDLL(None, use_errno=True)
    resident = pages = 0
    for file in files:
        size = file.stat().st_size
        if not size:
            continue
        content = np.memmap(file, dtype=np.uint8, mode="r")
        held = np.zeros(-(-size // mmap.PAGESIZE), dtype=np.uint8)
        address, target = (ctypes.c_void_p(array.ctypes.data) for array in (content, held))
        if libc.mincore(address, ctypes.c_size_t(size), target):
            raise OSError(ctypes.get_errno(), "mincore failed", str(file))
        resident += int(np.count_nonzero(held & 1))
        pages += held.size
    return resident / max(1, pages)


def own_memory_bytes() -> int:
    """Return the memory that is this process's alone: what is mapped from files is not counted."""
    for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/smaps_rollup does not tell Pss_Anon")
