"""The real application under a real server on a free loopback port, over a fake daemon."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from monitor.web.app import create_app
from monitor.web.server import WebServer, listen
from monitor.web.services import WebSettings

sys.path.insert(0, str(Path(__file__).parent))

from webfakes import FakeDaemon, flights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


@contextmanager
def serving(daemon: FakeDaemon, settings: WebSettings, **bounds: float) -> Iterator[httpx2.Client]:
    """A client whose base address is a running server; it stops with the block."""
    server = WebServer(create_app(daemon.services(), settings), listen("127.0.0.1", 0), **bounds)
    server.start()
    try:
        with httpx2.Client(base_url=server.address, timeout=20, trust_env=False) as client:
            yield client
    finally:
        server.stop()


@pytest.fixture
def serve() -> Callable[..., AbstractContextManager[httpx2.Client]]:
    """`with serve(daemon, settings) as client:` for tests that need their own server."""
    return serving


@pytest.fixture(scope="module")
def daemon() -> FakeDaemon:
    """The flights story."""
    return flights()


@pytest.fixture(scope="module")
def client(daemon: FakeDaemon) -> Iterator[httpx2.Client]:
    """A client of a server over `daemon` with default settings."""
    with serving(daemon, WebSettings()) as found:
        yield found
