"""The retry schedule and what an attempt makes of a row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels.base import Attempt, OutboundMessage, Outcome, Reason
from alerts.outbox import MAX_ATTEMPTS, WAITS, next_attempt, rows_for, settle
from alerts.store import OutboxRow, OutboxState

MESSAGE = OutboundMessage("msg_1", "subject", b"{}", "application/json")


def row(attempts: int = 0) -> OutboxRow:
    return OutboxRow(
        "msg_1", "ops", "s", b"{}", "application/json", 0, attempts, 0, OutboxState.PENDING
    )


def test_ten_attempts_over_about_seventy_five_hours() -> None:
    rng = np.random.default_rng(1)
    totals = []
    for _ in range(2000):
        waits = [next_attempt(n, rng) for n in range(1, MAX_ATTEMPTS)]
        totals.append(sum(wait or 0.0 for wait in waits) / 3600)
    assert MAX_ATTEMPTS == 10
    assert 60 < min(totals) < max(totals) < 91
    assert np.mean(totals) == pytest.approx(75.6, abs=0.6)


@given(st.integers(1, MAX_ATTEMPTS - 1), st.integers(0, 2**32), st.none() | st.floats(0, 86_400))
def test_waits_are_spread_and_never_shorter_than_asked(
    attempt: int, seed: int, asked: float | None
) -> None:
    wait = next_attempt(attempt, np.random.default_rng(seed), asked)
    assert wait is not None
    base = WAITS[attempt - 1]
    assert base * 0.8 <= wait <= max(base, asked or 0.0) * 1.2
    assert wait >= (asked or 0.0)


@pytest.mark.parametrize("asked", [None, 5.0])
def test_the_last_attempt_is_the_last(asked: float | None) -> None:
    assert next_attempt(MAX_ATTEMPTS, np.random.default_rng(1), asked) is None


def test_the_schedule_is_a_function_of_the_generator() -> None:
    one, two = (
        [next_attempt(n, rng) for n in range(1, 10)]
        for rng in (np.random.default_rng(7), np.random.default_rng(7))
    )
    assert one == two


def test_hundred_messages_that_failed_together_do_not_come_back_together() -> None:
    rng = np.random.default_rng(3)
    waits = sorted(next_attempt(2, rng) or 0.0 for _ in range(100))
    assert max(np.diff(waits)) < 20
    assert waits[-1] - waits[0] > 90


@pytest.mark.parametrize(
    ("outcome", "attempts", "state"),
    [
        (Outcome.DELIVERED, 0, OutboxState.DELIVERED),
        (Outcome.DELIVERED, 9, OutboxState.DELIVERED),
        (Outcome.RETRY, 0, OutboxState.PENDING),
        (Outcome.RETRY, 8, OutboxState.PENDING),
        (Outcome.RETRY, 9, OutboxState.DEAD),
        (Outcome.FAILED, 0, OutboxState.DEAD),
        (Outcome.DISABLED, 0, OutboxState.DEAD),
    ],
)
def test_settling(outcome: Outcome, attempts: int, state: OutboxState) -> None:
    attempt = Attempt(outcome, Reason.SERVER_ERROR)
    settled = settle(row(attempts), attempt, 50, np.random.default_rng(1))
    after = row(attempts).after(settled)
    assert (after.state, after.attempts) == (state, attempts + 1)
    assert (after.next_attempt_at is not None) == (state is OutboxState.PENDING)
    assert (after.last_outcome, after.last_reason, after.last_attempt_at) == (
        outcome,
        "server_error",
        50,
    )
    assert (after.id, after.channel, after.body) == ("msg_1", "ops", b"{}")


def test_new_rows_are_due_at_once_with_one_id_for_all_channels() -> None:
    one, two = rows_for(MESSAGE, ["ops", "pager"], 99)
    assert (one.id, one.channel, two.id, two.channel) == ("msg_1", "ops", "msg_1", "pager")
    assert (one.attempts, one.next_attempt_at, one.created_at) == (0, 99, 99)
    assert one.state is OutboxState.PENDING
