"""What a channel is: one method, whose result says what happened, why, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from alerts.channels.transport import Transport
    from alerts.clock import Clock


class Outcome(StrEnum):
    """What to do with the message after one attempt; a metric label."""

    DELIVERED = "delivered"
    RETRY = "retry"
    FAILED = "failed"
    DISABLED = "disabled"


class Reason(StrEnum):
    """Why an attempt ended as it did; a metric label, so the set is closed."""

    OK = "ok"
    RATE_LIMITED = "rate_limited"
    AUTH = "auth"
    NOT_FOUND = "not_found"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    REDIRECT = "redirect"
    GONE = "gone"
    TIMEOUT = "timeout"
    REFUSED_ADDRESS = "refused_address"
    DNS = "dns"
    TLS = "tls"
    CONNECTION = "connection"
    BAD_RESPONSE = "bad_response"
    INTERNAL = "internal_error"


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """What a channel sends: stored bytes, never rendered again.

    Attributes
    ----------
    id
        Stable notification id, equal in every attempt.
    subject
        One line for people.
    body, content_type
        The exact bytes and what they are.
    """

    id: str
    subject: str
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one attempt.

    Attributes
    ----------
    outcome, reason
        See the enumerations.
    retry_after
        Seconds the receiver asked to wait, at least 0; `None` when it did not ask.
    detail
        A few words for the log (`HTTP 503`); contains no secret, no address, nothing that the
        receiver wrote.
    """

    outcome: Outcome
    reason: Reason
    retry_after: float | None = None
    detail: str = ""


class Channel(Protocol):
    """One configured receiver."""

    @property
    def name(self) -> str:
        """The configured name; a metric label and part of the outbox key."""
        ...

    @property
    def target(self) -> str:
        """Fingerprint of where it delivers to; another address is another target. Not secret."""
        ...

    def send(self, message: OutboundMessage) -> Attempt:
        """Try once, within a bounded time, and say how it went.

        Expected failures are results, not exceptions. Called from one thread at a time.
        """
        ...


@dataclass(frozen=True, slots=True)
class ChannelServices:
    """What every channel is built with, whatever its type: what sends, and what tells the time."""

    transport: Transport
    clock: Clock
