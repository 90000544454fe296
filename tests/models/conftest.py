"""Guards that hold within the short sequences of these tests."""

import pytest

from genomenet.chunking import guards


@pytest.fixture(autouse=True)
def small_burst(monkeypatch):
    """The ceiling on boundaries counts after a few of them, not after the usual 64."""
    monkeypatch.setattr(guards, "BURST", 5)
