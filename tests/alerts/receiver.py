"""A real HTTP receiver on a free loopback port that answers as it is told and remembers all."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

SECRET = "whsec_" + "c2VjcmV0LWtleS1vZi10aGUtcmVjZWl2ZXI="
"""base64 of 26 bytes."""


@dataclass(frozen=True)
class Got:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """What to answer.

    `hang` waits for the end of the test first, `drip` sends byte by byte, `raw` replaces the whole
    answer, `endless` repeats the body for as long as anybody reads.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    hang: bool = False
    drip: float = 0.0
    raw: bytes = b""
    endless: bool = False


class Receiver:
    """Answers with `replies` in turn, then with `default`."""

    def __init__(self, port: int, scheme: str) -> None:
        self.port = port
        self.scheme = scheme
        self.got: list[Got] = []
        self.replies: deque[Reply] = deque()
        self.default = Reply()
        self.connections = 0
        self.sent_bytes = 0
        self.released = threading.Event()

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        """Return the address of this receiver."""
        return f"{self.scheme}://{host}:{self.port}{path}"


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection; a subclass names its receiver."""

    protocol_version = "HTTP/1.1"
    receiver: ClassVar[Receiver]

    def setup(self) -> None:
        super().setup()
        self.receiver.connections += 1

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            # The sender died between headers and body: no receiver has got a message then.
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.got.append(Got(self.path, headers, body))
        replies = self.receiver.replies
        try:
            self._answer(replies.popleft() if replies else self.receiver.default)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _answer(self, reply: Reply) -> None:
        if reply.hang:
            self.receiver.released.wait(60)
        if reply.raw:
            self.close_connection = True
            self._send(reply.raw, reply.drip)
            return
        self.send_response(reply.status)
        for name, value in ({"Content-Length": str(len(reply.body))} | reply.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self._send(reply.body, reply.drip)
        while reply.endless:
            self.wfile.write(reply.body)
            self.receiver.sent_bytes += len(reply.body)

    def _send(self, content: bytes, drip: float) -> None:
        if not drip:
            self.wfile.write(content)
            return
        for byte in content:
            self.wfile.write(bytes([byte]))
            if self.receiver.released.wait(drip):
                return

    def log_message(self, *args: object) -> None:
        """Say nothing on stderr."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        """Say nothing on stderr: failed handshakes are part of the tests."""


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver, over TLS if a context is given."""

    class Handler(_Handler):
        pass

    server = _Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    receiver = Handler.receiver = Receiver(server.server_port, "https" if context else "http")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
