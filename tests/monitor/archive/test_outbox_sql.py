"""The SQL outbox keeps the contract of `alerts.store.OutboxStore`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import IntegrityError

from alerts.store import AttemptRecord, Backlog, OutboxRow, OutboxState, OutboxStore
from monitor.archive import outbox_sql
from monitor.archive.archive import Archive
from monitor.archive.outbox_sql import SqlOutbox
from monitor.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable


def _row(name: str, due: int | None = 10, **changes: Any) -> OutboxRow:
    row = OutboxRow(name, "ops", "subject", b"\x00body", "application/json", 5, 0, due, PENDING)
    return replace(row, **changes)


PENDING, DELIVERED, DEAD = OutboxState


def _attempt(row: OutboxRow, state: OutboxState, at: int, again: int | None) -> AttemptRecord:
    return AttemptRecord(
        row.id, row.channel, row.attempts + 1, at, "failed", "timeout", state, again
    )


@pytest.fixture
def store(archive: Archive) -> OutboxStore:
    return SqlOutbox(archive.writer, archive.reader)


@pytest.fixture
def add(write: Callable[[Any], Any]) -> Callable[..., None]:
    return lambda *rows: write(lambda c: outbox_sql.add(c, rows))


def test_due_rows_come_in_order_of_waiting(store: OutboxStore, add: Callable[..., None]) -> None:
    rows = [
        _row("b", 10, created_at=7),
        _row("c", 10, created_at=5),
        _row("a", 10, created_at=7),
        _row("early", 3, created_at=9),
        _row("later", 11),
        _row("other", 1, channel="mail"),
    ]
    add(*rows)
    assert [row.id for row in store.due("ops", 10, 10)] == ["early", "c", "a", "b"]
    assert store.due("ops", 10, 1) == (rows[3],)
    assert store.due("ops", 2, 10) == ()
    assert store.backlog() == {"mail": Backlog(1, 5), "ops": Backlog(5, 5)}


def test_attempts_are_remembered(store: OutboxStore, add: Callable[..., None]) -> None:
    row = _row("a")
    add(row, _row("a", channel="mail"))
    retry = _attempt(row, PENDING, 11, 50)
    for _ in range(2):  # values are absolute, so storing twice is harmless
        store.record_attempt(retry)
    assert store.due("ops", 50, 10) == (row.after(retry),)
    assert store.due("mail", 50, 10) == (_row("a", channel="mail"),)
    store.record_attempt(_attempt(row.after(retry), DELIVERED, 51, None))
    assert store.due("ops", 100, 10) == ()
    assert "ops" not in store.backlog()


def test_finished_and_unknown_rows_take_no_attempts(
    store: OutboxStore, add: Callable[..., None]
) -> None:
    row = _row("a")
    add(row)
    dead = _attempt(row, DEAD, 11, None)
    store.record_attempt(dead)
    store.record_attempt(_attempt(row, PENDING, 12, 13))
    store.record_attempt(_attempt(_row("nobody"), PENDING, 12, 13))
    assert store.dead_letters(10) == (row.after(dead),)
    assert store.due("ops", 100, 10) == ()


def test_dead_letters_are_listed_and_replayed(store: OutboxStore, add: Callable[..., None]) -> None:
    rows = {name: _row(name) for name in "abc"}
    add(*rows.values())
    for name, at in (("a", 20), ("b", 30), ("c", 20)):
        store.record_attempt(_attempt(rows[name], DEAD, at, None))
    assert [row.id for row in store.dead_letters(10)] == ["b", "c", "a"]
    assert [row.id for row in store.dead_letters(2)] == ["b", "c"]
    assert store.replay("b", "ops", 77)
    assert not store.replay("b", "ops", 78)
    assert not store.replay("a", "mail", 78)
    (again,) = store.due("ops", 77, 10)
    assert (again.id, again.attempts, again.next_attempt_at) == ("b", 0, 77)


def test_disabled_targets(store: OutboxStore, archive: Archive) -> None:
    store.disable("ops", "t1", 5)
    store.disable("ops", "t1", 9)
    assert store.is_disabled("ops", "t1")
    assert not store.is_disabled("ops", "t2")
    assert not store.is_disabled("mail", "t1")
    store.enable("ops")
    assert not store.is_disabled("ops", "t1")


def test_notification_is_stored_once(add: Callable[..., None]) -> None:
    add(_row("a"))
    add()
    with pytest.raises(IntegrityError):
        add(_row("b"), _row("a"))


def test_survives_a_restart(url: str) -> None:
    row = _row("a")
    with Archive(url, ManualClock()) as archive:
        archive.writer.submit(lambda c: outbox_sql.add(c, [row])).result(30)
        SqlOutbox(archive.writer, archive.reader).record_attempt(_attempt(row, PENDING, 11, 50))
    with Archive(url, ManualClock()) as archive:
        (kept,) = SqlOutbox(archive.writer, archive.reader).due("ops", 50, 10)
    assert kept == row.after(_attempt(row, PENDING, 11, 50))
