"""The only place that opens sockets: judged addresses, one deadline.

A network backend for httpcore. It resolves the name once, judges every address, and connects to
one of those that were judged, so there is no second look-up that could answer differently.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, TypeAlias

import httpcore2

from alerts.channels.base import Reason

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Sequence

    from alerts.channels.address import AddressPolicy
    from alerts.clock import Clock

Resolver: TypeAlias = "Callable[[str, int], Sequence[str]]"
"""Host and port to addresses as text, preferred ones first; raises `OSError` without any."""

_MAX_ADDRESSES = 8


def system_resolver(host: str, port: int) -> list[str]:
    """Ask the operating system; literal addresses in any notation come out normalised."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("not a host name") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class RefusedError(Exception):
    """There is no address that may be connected to; `str()` says why and shows none."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Deadline:
    """The end of one attempt."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def left(self, error: type[Exception]) -> float:
        """Seconds that are left; raises `error` when there are none."""
        left = self._end - self._clock.monotonic()
        if left <= 0:
            raise error
        return left


class GuardedBackend(httpcore2.NetworkBackend):
    """Opens connections to judged addresses only."""

    def __init__(self, policy: AddressPolicy, resolver: Resolver, deadline: Deadline) -> None:
        self._policy = policy
        self._resolver = resolver
        self._deadline = deadline
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline over all steps rules instead
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first judged address that answers, sharing what is left of the time."""
        addresses = self._judged(host, port)
        for position, address in enumerate(addresses):
            left = self._deadline.left(httpcore2.ConnectTimeout) / (len(addresses) - position)
            try:
                stream = self._sockets.connect_tcp(
                    address, port, left, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if position == len(addresses) - 1:
                    raise
            else:
                return _DeadlineStream(stream, self._deadline)
        raise RefusedError(Reason.DNS, "the host has no address")

    def _judged(self, host: str, port: int) -> list[str]:
        """Resolve once; one refused address refuses them all, for an honest name has none."""
        try:
            addresses = list(self._resolver(host, port))
        except OSError:
            raise RefusedError(Reason.DNS, "the host cannot be resolved") from None
        for address in addresses:
            judgement = self._policy.judge(address)
            if not judgement.permitted:
                raise RefusedError(
                    Reason.REFUSED_ADDRESS,
                    f"the host resolves to a refused address ({judgement.refused}); "
                    "allow_networks can permit it",
                )
        return addresses[:_MAX_ADDRESSES]


class _DeadlineStream(httpcore2.NetworkStream):
    """A connection whose every step ends at the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, self._deadline.left(httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, self._deadline.left(httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        left = self._deadline.left(httpcore2.ConnectTimeout)
        return _DeadlineStream(
            self._stream.start_tls(ssl_context, server_hostname, left), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
