"""uvicorn inside our own process: given sockets, bounded patience, a stop that ends.

uvicorn waits for ever for headers that began and bodies nobody reads; `PatientProtocol` does not.
"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from monitor.errors import UsageError

if TYPE_CHECKING:
    import asyncio

    from starlette.types import ASGIApp

PATIENCE_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 75
STOP_SECONDS = 8
MAX_CONNECTIONS = 512
BACKLOG = 256


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 connection that ends when headers, or a body already refused, take too long.

    A refused body is read and dropped for a while instead of closing at once: closing with unread
    bytes resets the connection, and the client would never see why it was refused.
    """

    patience_seconds = PATIENCE_SECONDS
    _timer: asyncio.TimerHandle | None = None
    _complete = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect the first headers soon."""
        super().connection_made(transport)
        self._lose_patience_later()

    def on_message_begin(self) -> None:
        """Expect the rest of the headers soon."""
        super().on_message_begin()
        self._complete = False
        self._lose_patience_later()

    def on_headers_complete(self) -> None:
        """Leave pace to whoever reads the body."""
        self._be_patient()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is here in full."""
        self._complete = True
        self._be_patient()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Bound how long an unread body is dropped."""
        super().on_response_complete()
        if not self._complete:
            self._lose_patience_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave no timer behind."""
        self._be_patient()
        super().connection_lost(exc)

    def _lose_patience_later(self) -> None:
        self._be_patient()
        self._timer = self.loop.call_later(self.patience_seconds, self.transport.abort)

    def _be_patient(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one (`getsockname()` tells which).

    Raises
    ------
    UsageError
        The address cannot be used, with the system's reason.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise UsageError(f"{host}:{port}: cannot listen: {error.strerror or error}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(f"{host}:{port}: cannot listen: {error.strerror or error}") from None
    return listener


class WebServer:
    """Serves `app` on `listener` from a thread of its own, between `start` and `stop`."""

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        *,
        max_connections: int = MAX_CONNECTIONS,
        patience_seconds: float = PATIENCE_SECONDS,
        stop_seconds: int = STOP_SECONDS,
    ) -> None:
        host, port = listener.getsockname()[:2]
        name = f"[{host}]" if ":" in host else host
        self.address = f"http://{name}:{port}"
        self._listener = listener
        self._stop_seconds = stop_seconds
        self._failure: BaseException | None = None
        self._server = uvicorn.Server(
            _configure(app, max_connections, patience_seconds, stop_seconds)
        )
        self._thread = threading.Thread(target=self._serve, name="driftd-web", daemon=True)

    def start(self, timeout: float = 10.0) -> None:
        """Return when requests are answered.

        Raises
        ------
        UsageError
            The server did not come up within `timeout` seconds.
        """
        self._thread.start()
        pause = threading.Event()
        for _ in range(round(timeout / 0.01)):
            if self._server.started or not self._thread.is_alive():
                break
            pause.wait(0.01)
        if not self._server.started:
            raise UsageError(f"{self.address}: the HTTP server did not start: {self._failure}")

    def stop(self) -> None:
        """Take no new requests, let running ones end, return within about `stop_seconds`."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(self._stop_seconds + 2)
        self._listener.close()

    @property
    def running(self) -> bool:
        """Whether the thread still serves."""
        return self._thread.is_alive() and self._server.started

    def _serve(self) -> None:
        try:
            self._server.run([self._listener])
        except (Exception, SystemExit) as error:  # noqa: BLE001 - `start` reports it
            self._failure = error


def _configure(
    app: ASGIApp, max_connections: int, patience_seconds: float, stop_seconds: int
) -> uvicorn.Config:
    members: dict[str, Any] = {"patience_seconds": patience_seconds}
    return uvicorn.Config(
        app,
        http=type("Protocol", (PatientProtocol,), members),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=max_connections,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=stop_seconds,
        backlog=BACKLOG,
    )
