"""What the delivery worker needs from a store; the archive keeps it, tests keep it in memory.

The *writing* of new rows is deliberately absent: an `OutboxRow` is inserted by the archive in the
transaction of the decision that caused it (promise P5), so a notification exists exactly when its
decision does. Everything here happens later, outside that transaction.

A row is keyed by `(id, channel)`: one notification keeps its id on every channel it goes to and in
every attempt, so a receiver can drop the repetitions that at-least-once delivery brings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class OutboxState(StrEnum):
    """Where a row is: waiting for an attempt, received, or given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One notification on its way to one channel.

    Attributes
    ----------
    id, channel
        The primary key: stable notification id and configured channel name.
    subject
        One line for people and lists, at most 200 characters; no secrets.
    body, content_type
        The exact bytes to send and what they are; they are signed and sent as stored, never
        parsed or rendered again.
    created_at
        Microseconds since the epoch: when the decision was made.
    attempts
        Attempts so far; 0 in a new or replayed row.
    next_attempt_at
        Microseconds since the epoch; `None` exactly when the state is not `pending`.
    state
        `pending`, `delivered` or `dead`.
    last_outcome, last_reason
        Labels of the last attempt (`alerts.channels.base.Outcome` and `Reason`), "" before it.
    last_attempt_at
        Microseconds since the epoch of the last attempt, `None` before it.
    """

    id: str
    channel: str
    subject: str
    body: bytes
    content_type: str
    created_at: int
    attempts: int
    next_attempt_at: int | None
    state: OutboxState
    last_outcome: str = ""
    last_reason: str = ""
    last_attempt_at: int | None = None

    def after(self, attempt: AttemptRecord) -> OutboxRow:
        """Return this row as `attempt` leaves it (what `record_attempt` has to store)."""
        return replace(
            self,
            attempts=attempt.attempts,
            next_attempt_at=attempt.next_attempt_at,
            state=attempt.state,
            last_outcome=attempt.outcome,
            last_reason=attempt.reason,
            last_attempt_at=attempt.at,
        )


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """What one attempt changes in its row; all values are absolute, so storing twice is harmless.

    Attributes
    ----------
    id, channel
        Which row.
    attempts
        The row's new count of attempts.
    at
        Microseconds since the epoch when the attempt ended.
    outcome, reason
        Labels, see `alerts.channels.base`.
    state, next_attempt_at
        The row's new state; `next_attempt_at` is `None` exactly when it is not `pending`.
    """

    id: str
    channel: str
    attempts: int
    at: int
    outcome: str
    reason: str
    state: OutboxState
    next_attempt_at: int | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """The pending rows of one channel: how many, and when the oldest was created (us)."""

    pending: int
    oldest_created_at: int


class OutboxStore(Protocol):
    """The outbox as the worker and the `alerts` commands see it.

    Every method is one transaction, may be called from any thread, and takes its time from the
    arguments. One process delivers at a time (with several nodes: the holder of the epoch), hence
    reading what is due takes no lock and no lease; a crash after the receiver's answer and before
    `record_attempt` repeats that delivery with the same id.
    """

    def due(self, channel: str, now: int, limit: int) -> Sequence[OutboxRow]:
        """Pending rows of `channel` with `next_attempt_at <= now`, the longest waiting first.

        Ordered by `(next_attempt_at, created_at, id)`, at most `limit` rows.
        """
        ...

    def record_attempt(self, attempt: AttemptRecord) -> None:
        """Store `row.after(attempt)` durably if the row exists and is pending; else do nothing."""
        ...

    def backlog(self) -> Mapping[str, Backlog]:
        """Pending rows per channel; channels without any are absent."""
        ...

    def dead_letters(self, limit: int) -> Sequence[OutboxRow]:
        """Dead rows, the latest `(last_attempt_at, id, channel)` first, at most `limit`."""
        ...

    def replay(self, message_id: str, channel: str, now: int) -> bool:
        """Make a dead row pending and due at `now` with 0 attempts; False if no such dead row."""
        ...

    def disable(self, channel: str, target: str, at: int) -> None:
        """Remember that the receiver said it is gone (410); a second call keeps the first time.

        `target` is the channel's fingerprint of its address: a channel that is configured to
        another address is another target, and is not disabled.
        """
        ...

    def is_disabled(self, channel: str, target: str) -> bool:
        """Whether `disable(channel, target)` was called and not taken back by `enable`."""
        ...

    def enable(self, channel: str) -> None:
        """Forget every `disable` of this channel."""
        ...
