"""When to try again, and when to give up: the pure part of at-least-once delivery.

The schedule is that of Standard Webhooks: ten attempts, at once, after 5 s, 5 min, 30 min, 2 h,
5 h, 10 h, 14 h, 20 h and 24 h, together 75.6 h, so that a receiver which is down over a weekend
still hears. Each wait is spread by +-20 %, so that a hundred messages that failed together do not
come back together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts.channels.base import Outcome
from alerts.clock import MICROS
from alerts.store import AttemptRecord, OutboxRow, OutboxState

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from alerts.channels.base import Attempt, OutboundMessage

WAITS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds between one attempt and the next."""

MAX_ATTEMPTS = len(WAITS) + 1

_JITTER = 0.2


def next_attempt(
    attempt: int, rng: np.random.Generator, retry_after: float | None = None
) -> float | None:
    """Return the seconds to wait after a failed attempt, or `None` when it was the last.

    Parameters
    ----------
    attempt
        How many attempts were made, 1 after the first.
    rng
        Source of the jitter; one draw per call.
    retry_after
        Seconds the receiver asked for: the wait is never shorter, and still spread upwards.
    """
    spread = float(rng.random())
    if attempt >= MAX_ATTEMPTS:
        return None
    wait = WAITS[attempt - 1] * (1.0 + _JITTER * (2.0 * spread - 1.0))
    if retry_after is None:
        return wait
    return max(wait, retry_after * (1.0 + _JITTER * spread))


def settle(row: OutboxRow, attempt: Attempt, now: int, rng: np.random.Generator) -> AttemptRecord:
    """Turn the result of an attempt on `row` into what the store has to remember.

    Delivered stays delivered; a failure that may pass is scheduled until the attempts run out;
    everything else is dead, kept, and replayable. `now` is microseconds since the epoch.
    """
    attempts = row.attempts + 1
    state, due = OutboxState.DEAD, None
    if attempt.outcome is Outcome.DELIVERED:
        state = OutboxState.DELIVERED
    elif attempt.outcome is Outcome.RETRY:
        wait = next_attempt(attempts, rng, attempt.retry_after)
        if wait is not None:
            state, due = OutboxState.PENDING, now + round(wait * MICROS)
    return AttemptRecord(
        id=row.id,
        channel=row.channel,
        attempts=attempts,
        at=now,
        outcome=attempt.outcome,
        reason=attempt.reason,
        state=state,
        next_attempt_at=due,
    )


def rows_for(message: OutboundMessage, channels: Iterable[str], now: int) -> tuple[OutboxRow, ...]:
    """Return new rows, due at once, to be inserted in the transaction of the decision."""
    return tuple(
        OutboxRow(
            id=message.id,
            channel=channel,
            subject=message.subject,
            body=message.body,
            content_type=message.content_type,
            created_at=now,
            attempts=0,
            next_attempt_at=now,
            state=OutboxState.PENDING,
        )
        for channel in channels
    )
