"""Keeps every test of ops on one thread, and what it imported as a package to itself."""

import pytest
import torch

from genomenet.ops import backend


@pytest.fixture(autouse=True)
def one_thread():
    """Seeded, one thread: the tests share their machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def forget_imports():
    """A package that one test has put in is not the next one's."""
    backend.packaged.cache_clear()
    yield
    backend.packaged.cache_clear()
