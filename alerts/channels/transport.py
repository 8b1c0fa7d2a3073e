"""One guarded POST: resolve once, judge every address, connect to a judged one, read a little.

Built on httpcore rather than on httpx above it, for what it does not have: no redirects, no
proxies from the environment, no cookies, no decompression, and no log line with the whole URL.
`alerts.channels.guard` alone opens sockets, so no path leads around the judgement of addresses.
TLS verifies the receiver's name, not the address.

Every attempt has its own connection and one deadline over all of it, so a receiver that sends a
byte now and then holds a worker no longer than one that hangs. The system's resolver alone has
its own time limit.
"""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import httpcore2

from alerts.channels.base import Reason
from alerts.channels.guard import Deadline, GuardedBackend, RefusedError, system_resolver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.channels.address import AddressPolicy
    from alerts.channels.guard import Resolver
    from alerts.channels.url import ReceiverUrl
    from alerts.clock import Clock

TIMEOUT = 15.0
"""Seconds for one attempt, from connecting to the end of what is read of the answer."""

MAX_RESPONSE_BYTES = 65_536
"""Bytes of an answer that are read; the rest is cut off with the connection."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said.

    Attributes
    ----------
    status
        HTTP status code.
    headers
        Lower-case names; of repeated headers the last value.
    body
        At most the transport's `max_response_bytes`, shorter if the receiver stopped sending;
        written by the receiver: not for logs or messages.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why there is no answer; `detail` is a few words without address or secret."""

    reason: Reason
    detail: str


class Transport:
    """Sends bytes to receivers whose addresses the policy permits.

    Parameters
    ----------
    policy
        Judges every resolved address.
    clock
        Its monotonic time runs the deadline.
    timeout, max_response_bytes
        Bounds of one attempt, see the constants of this module.
    resolver
        How names become addresses.
    ssl_context
        For https; by default the system's certificates, TLS 1.2 or later.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        clock: Clock,
        *,
        timeout: float = TIMEOUT,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        resolver: Resolver = system_resolver,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        # Its debug lines quote the receiver's answers, which may echo our address and tokens.
        logging.getLogger("httpcore2").setLevel(logging.WARNING)
        self._policy = policy
        self._clock = clock
        self._timeout = timeout
        self._max_response_bytes = max_response_bytes
        self._resolver = resolver
        self._given_context = ssl_context

    def post(self, url: ReceiverUrl, headers: Mapping[str, str], body: bytes) -> Answer | NoAnswer:
        """POST `body` once; network failures are results. Redirects are answers like any other."""
        deadline = Deadline(self._clock, self._timeout)
        backend = GuardedBackend(self._policy, self._resolver, deadline)
        try:
            return self._exchange(url, headers, body, backend)
        except RefusedError as error:
            return NoAnswer(error.reason, str(error))
        except httpcore2.TimeoutException:
            return NoAnswer(Reason.TIMEOUT, f"no answer within {self._timeout:g} s")
        except httpcore2.NetworkError as error:
            if isinstance(error.__cause__, ssl.SSLError):
                return NoAnswer(Reason.TLS, "TLS failed")
            return NoAnswer(Reason.CONNECTION, "connection failed")
        except httpcore2.ProtocolError:
            return NoAnswer(Reason.BAD_RESPONSE, "the answer is not HTTP")

    def _exchange(
        self,
        url: ReceiverUrl,
        headers: Mapping[str, str],
        body: bytes,
        backend: GuardedBackend,
    ) -> Answer:
        """Make one request on one connection that is closed afterwards."""
        host = url.host.encode("ascii")
        everything = {"Host": url.host_header, "Connection": "close", **headers}
        with httpcore2.HTTPConnection(
            httpcore2.Origin(url.scheme.encode("ascii"), host, url.port),
            ssl_context=self._ssl_context if url.scheme == "https" else None,
            network_backend=backend,
        ) as connection:
            address = httpcore2.URL(
                scheme=url.scheme, host=host, port=url.port, target=url.target.reveal()
            )
            limits = dict.fromkeys(("connect", "read", "write"), self._timeout)
            with connection.stream(
                "POST",
                address,
                headers=list(everything.items()),
                content=body,
                extensions={"timeout": limits},
            ) as response:
                return Answer(
                    status=response.status,
                    headers={
                        name.decode("latin-1").lower(): value.decode("latin-1")
                        for name, value in response.headers
                    },
                    body=self._read(response),
                )

    def _read(self, response: httpcore2.Response) -> bytes:
        """Read a bounded beginning; a broken body is no failure, for the status is known."""
        body = bytearray()
        try:
            for chunk in response.iter_stream():
                body += chunk
                if len(body) >= self._max_response_bytes:
                    break
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError):
            pass
        return bytes(body[: self._max_response_bytes])

    @cached_property
    def _ssl_context(self) -> ssl.SSLContext:
        """Load the system's certificates when https is first used, not at every attempt."""
        return self._given_context or httpcore2.default_ssl_context()
