"""Keeps every test of ops on one thread."""

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Seeded, one thread: the tests share their machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
