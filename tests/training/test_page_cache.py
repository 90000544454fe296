import mmap
import os

import numpy as np
import pytest

from genomenet.training.page_cache import bring_in, evict, own_memory_bytes, resident_share


def test_what_is_in_memory_is_counted(tmp_path, monkeypatch):
    file = tmp_path / "some.bytes"
    file.write_bytes(os.urandom(1 << 22))
    (tmp_path / "empty").write_bytes(b"")
    bring_in([file])
    assert resident_share([file, tmp_path / "empty"]) == 1
    evict([file])
    # File systems in memory, such as tmpfs, can't forget.
    assert resident_share([file]) in (0, 1)
    bring_in([file])
    assert resident_share([file]) == 1


def test_own_memory_grows_with_what_is_written_alone(tmp_path):
    file = tmp_path / "mapped"
    file.write_bytes(bytes(1 << 26))
    before = own_memory_bytes()
    mapped = np.memmap(file, dtype=np.uint8, mode="r")
    assert mapped.sum() == 0
    assert own_memory_bytes() - before < 1 << 24
    # Of the system and not of the allocator, which may have kept as much from before.
    with mmap.mmap(-1, 1 << 26, mmap.MAP_PRIVATE) as written:
        written[:: mmap.PAGESIZE] = bytes(len(written) // mmap.PAGESIZE)
        assert own_memory_bytes() - before == pytest.approx(len(written), rel=0.2)
