"""The faulty server, reached directly whatever proxies the machine has."""

import pytest

from tests.recipes.server import serve


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serve() as running:
        yield running
