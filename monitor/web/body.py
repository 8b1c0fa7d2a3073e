"""Reading a request body under bounds: its size, its pace, and what all bodies hold together."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from monitor.errors import OverloadedError
from monitor.web.problems import RefusalError

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import Receive, Scope


class Inflight:
    """Bytes that all bodies together hold in memory, up to `limit`.

    Counted as they arrive and not as they are announced: a client that promises much and sends
    nothing takes nothing from the others. Safe to use from worker threads.
    """

    def __init__(self, limit: int, retry_after: float) -> None:
        self.limit = limit
        self._retry_after = retry_after
        self._held = 0
        self._lock = threading.Lock()

    @property
    def held(self) -> int:
        """Bytes held now."""
        return self._held

    def take(self, size: int) -> None:
        """Count `size` more bytes.

        Raises
        ------
        OverloadedError
            They do not fit; nothing was counted.
        """
        with self._lock:
            if self._held + size > self.limit:
                message = "Request bodies hold all the memory they may; send this again soon."
                raise OverloadedError(message, self._retry_after)
            self._held += size

    def give(self, size: int) -> None:
        """Count `size` bytes as released."""
        with self._lock:
            self._held -= size


class Hold:
    """What one request took from `Inflight`; leaving the block gives it back."""

    def __init__(self, inflight: Inflight) -> None:
        self._inflight = inflight
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._inflight.give(self._size)

    def take(self, size: int) -> None:
        """Count `size` more bytes for this request."""
        self._inflight.take(size)
        self._size += size


class DisconnectedError(Exception):
    """The client went away before its body was complete; there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Bounds of one body: bytes, seconds between two pieces, seconds for all of it."""

    max_bytes: int
    gap_seconds: float
    total_seconds: float


async def read_body(scope: Scope, receive: Receive, pace: Pace, hold: Hold) -> bytes:
    """The whole body as it was sent, still encoded.

    Raises
    ------
    RefusalError
        413 over the size (from Content-Length before anything is read, or while reading), 408
        when the client is slower than `pace`.
    OverloadedError
        All bodies together are over their bound.
    DisconnectedError
        The client is gone.
    """
    if content_length(scope) > pace.max_bytes:
        raise _too_large(pace)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + pace.total_seconds
    pieces: list[bytes] = []
    total, more = 0, True
    try:
        async with asyncio.timeout(None) as timer:
            while more:
                timer.reschedule(min(deadline, loop.time() + pace.gap_seconds))
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise DisconnectedError
                piece = message.get("body", b"")
                more = message.get("more_body", False)
                total += len(piece)
                if total > pace.max_bytes:
                    raise _too_large(pace)
                hold.take(len(piece))
                pieces.append(piece)
    except TimeoutError:
        detail = "The body came too slowly; nothing of it was accepted."
        raise RefusalError(408, "body_too_slow", detail) from None
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def header(scope: Scope, name: bytes) -> str:
    """The first header `name` (lower case) as text, or `""`."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return ""


def content_length(scope: Scope) -> int:
    """What the client announced, 0 when it did not; the HTTP parser has checked the number."""
    text = header(scope, b"content-length")
    return int(text) if text.isdecimal() else 0


def _too_large(pace: Pace) -> RefusalError:
    detail = f"The body is over {pace.max_bytes} bytes; send smaller batches."
    return RefusalError(413, "body_too_large", detail)
