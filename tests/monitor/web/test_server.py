"""The server around the application: addresses, patience, stopping, and what importing costs."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import httpx2
import pytest
from conftest import serving
from webfakes import NDJSON, FakeDaemon

from monitor.errors import UsageError
from monitor.web.app import create_app
from monitor.web.server import WebServer, listen
from monitor.web.services import WebSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.record import Receipt

HEAVY = ("pandas", "scipy.stats", "sklearn", "river", "sqlalchemy", "pyarrow", "monitor.config")


def test_port_zero_takes_a_free_port_and_says_which() -> None:
    with listen("127.0.0.1", 0) as one, listen("127.0.0.1", 0) as two:
        assert one.getsockname()[1] != two.getsockname()[1]


def test_a_taken_port_is_one_sentence() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1:{port}: cannot listen: Address already"):
            listen("127.0.0.1", port)


def test_an_address_that_is_none_is_one_sentence() -> None:
    with pytest.raises(UsageError, match="cannot listen"):
        listen("256.0.0.1", 0)


class SlowIngest(FakeDaemon):
    """Holds one submission until told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.go_on = threading.Event()

    async def submit(self, payload: bytes, content_type: str) -> Receipt:
        import anyio.to_thread  # noqa: PLC0415 - only here

        self.entered.set()
        await anyio.to_thread.run_sync(self.go_on.wait, 10)
        return await super().submit(payload, content_type)


def test_stopping_lets_running_requests_end() -> None:
    daemon = SlowIngest()
    server = WebServer(create_app(daemon.services(), WebSettings()), listen("127.0.0.1", 0))
    server.start()
    answers: list[httpx2.Response] = []

    def send() -> None:
        url = f"{server.address}/v1/records"
        headers = {"content-type": NDJSON}
        answers.append(httpx2.post(url, content=b"{}\n", headers=headers, trust_env=False))

    sender = threading.Thread(target=send)
    sender.start()
    assert daemon.entered.wait(5)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    daemon.go_on.set()
    stopper.join(10)
    sender.join(10)
    assert [answer.status_code for answer in answers] == [200]
    assert not server.running
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{server.address}/livez", trust_env=False)


def test_a_server_that_never_started_can_be_stopped() -> None:
    with listen("127.0.0.1", 0) as listener:
        WebServer(create_app(FakeDaemon().services(), WebSettings()), listener).stop()


def test_an_application_that_cannot_serve_is_reported() -> None:
    listener = listen("127.0.0.1", 0)
    listener.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        WebServer(create_app(FakeDaemon().services(), WebSettings()), listener)


@pytest.fixture(scope="module")
def impatient() -> Iterator[httpx2.Client]:
    with serving(FakeDaemon(), WebSettings(), patience_seconds=0.2) as client:
        yield client


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET / HT",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /livez HTTP/1.1\r\nHo",
    ],
    ids=["silent", "request line", "headers", "second request"],
)
def test_a_client_that_does_not_finish_its_headers_is_dropped(
    impatient: httpx2.Client, beginning: bytes
) -> None:
    address = (impatient.base_url.host, impatient.base_url.port)
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(beginning)
        assert ended(connection)


def test_a_refused_body_is_dropped_for_a_while_and_no_longer(impatient: httpx2.Client) -> None:
    address = (impatient.base_url.host, impatient.base_url.port)
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(
            b"POST /v1/records HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 999999999999\r\n\r\nx"
        )
        assert connection.recv(20).startswith(b"HTTP/1.1 413")
        assert ended(connection)


def ended(connection: socket.socket) -> bool:
    """Read until the other side ends; the socket's timeout fails the test when it does not."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return True


def test_connections_are_kept_and_pipelined(client: httpx2.Client) -> None:
    address = (client.base_url.host, client.base_url.port)
    request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(request * 3)
        received = b""
        while received.count(b"200 OK") < 3:
            received += connection.recv(65536)


def test_too_many_connections_are_told_so() -> None:
    with serving(FakeDaemon(), WebSettings(), max_connections=5) as client:
        address = (client.base_url.host, client.base_url.port)
        held = [socket.create_connection(address, timeout=5) for _ in range(5)]
        try:
            assert client.get("/livez").status_code == 503
        finally:
            for connection in held:
                connection.close()


def test_importing_the_web_side_is_light() -> None:
    program = (
        "import sys, monitor.web.app, monitor.web.server, monitor.web.tokens\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
