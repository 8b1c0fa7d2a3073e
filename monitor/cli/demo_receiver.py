"""The demo's receiver of alerts: a real HTTP server that checks every signature itself.

It verifies as any receiver of Standard Webhooks would, from the specification and not with
driftd's own code, so that what the demo shows is what your receiver will see.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from types import TracebackType

MAX_BODY = 1 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """One alert as it came in; `verified` says whether its signature was right."""

    id: str
    event: dict[str, Any]
    verified: bool


class Receiver:
    """Listens on a free loopback port while the context lasts; each message id counts once."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._received: dict[str, Received] = {}
        outer = self

        class Handler(_Handler):
            receiver: ClassVar[Receiver] = outer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where alerts are to be sent."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/alerts"

    @property
    def secret(self) -> str:
        """The shared secret, as Standard Webhooks writes it."""
        return "whsec_" + base64.b64encode(self._key).decode()

    @property
    def received(self) -> tuple[Received, ...]:
        """What came in so far, in order of arrival."""
        return tuple(self._received.values())

    def accept(self, headers: dict[str, str], body: bytes) -> bool:
        """Take in one request; False when its signature is wrong."""
        name = headers.get("webhook-id", "")
        signed = b".".join([name.encode(), headers.get("webhook-timestamp", "").encode(), body])
        expected = base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode()
        verified = any(
            version == "v1" and hmac.compare_digest(given, expected)
            for version, _, given in (
                part.partition(",") for part in headers.get("webhook-signature", "").split()
            )
        )
        self._received[name] = Received(name, json.loads(body), verified)
        return verified

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    receiver: ClassVar[Receiver]

    def do_POST(self) -> None:
        length = min(int(self.headers.get("content-length") or 0), MAX_BODY)
        headers = {name.lower(): value for name, value in self.headers.items()}
        accepted = self.receiver.accept(headers, self.rfile.read(length))
        self.send_response(200 if accepted else 401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Stay quiet; the demo prints what came in at its end."""
