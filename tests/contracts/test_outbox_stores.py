"""What every outbox store promises, asked of the archive's and of the one in the tests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import pytest

from alerts.store import AttemptRecord, Backlog, OutboxRow, OutboxState, OutboxStore
from monitor.archive.archive import Archive
from monitor.archive.outbox_sql import SqlOutbox, add
from monitor.clock import ManualClock
from tests.alerts.sqlite_store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROW = OutboxRow(
    id="msg_1",
    channel="ops",
    subject="flights: dep_delay rose",
    body=bytes(range(256)),
    content_type="application/cloudevents+json",
    created_at=100,
    attempts=0,
    next_attempt_at=100,
    state=OutboxState.PENDING,
)
RETRIED = AttemptRecord("msg_1", "ops", 1, 150, "retry", "timeout", OutboxState.PENDING, 200)
DEAD = AttemptRecord("msg_1", "ops", 2, 250, "failed", "client_error", OutboxState.DEAD, None)


class Kept(OutboxStore, Protocol):
    """A store whose rows the test may insert."""

    def add(self, rows: list[OutboxRow]) -> None: ...


class ArchiveStore(SqlOutbox):
    """The archive's store, with insertion as a unit of its own."""

    def __init__(self, archive: Archive) -> None:
        super().__init__(archive.writer, archive.reader)
        self._archive = archive

    def add(self, rows: list[OutboxRow]) -> None:
        self._archive.writer.submit(lambda connection: add(connection, rows)).result(timeout=30)


@pytest.fixture(params=["sqlite", "archive"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    if request.param == "sqlite":
        plain = SqliteStore()
        yield plain
        plain.close()
    else:
        with Archive(f"sqlite:///{tmp_path / 'driftd.db'}", ManualClock()) as archive:
            yield ArchiveStore(archive)


def test_a_row_comes_back_as_it_was(store: Kept) -> None:
    store.add([ROW])
    assert list(store.due("ops", 100, 10)) == [ROW]


def test_due_means_this_channel_pending_and_its_time_has_come(store: Kept) -> None:
    store.add([ROW, replace(ROW, channel="pager"), replace(ROW, id="msg_2", next_attempt_at=101)])
    assert list(store.due("ops", 99, 10)) == []
    assert [row.id for row in store.due("ops", 100, 10)] == ["msg_1"]
    assert [row.id for row in store.due("ops", 101, 10)] == ["msg_1", "msg_2"]
    assert list(store.due("nobody", 101, 10)) == []


def test_the_longest_waiting_come_first_and_the_limit_holds(store: Kept) -> None:
    order = [("c", 1, 9), ("a", 2, 5), ("d", 2, 6), ("b", 3, 1), ("e", 3, 1)]
    rows = [
        replace(ROW, id=name, next_attempt_at=due, created_at=created)
        for name, due, created in order
    ]
    store.add(rows[::-1])
    assert [row.id for row in store.due("ops", 10, 10)] == ["c", "a", "d", "b", "e"]
    assert [row.id for row in store.due("ops", 10, 2)] == ["c", "a"]


def test_an_attempt_is_stored_as_the_row_says(store: Kept) -> None:
    store.add([ROW, replace(ROW, channel="pager")])
    store.record_attempt(RETRIED)
    assert list(store.due("ops", 199, 10)) == []
    assert list(store.due("ops", 200, 10)) == [ROW.after(RETRIED)]
    assert list(store.due("pager", 100, 10)) == [replace(ROW, channel="pager")]


def test_an_attempt_may_be_stored_twice_and_settled_rows_stay_settled(store: Kept) -> None:
    store.add([ROW])
    store.record_attempt(RETRIED)
    store.record_attempt(RETRIED)
    assert list(store.due("ops", 200, 10)) == [ROW.after(RETRIED)]
    store.record_attempt(DEAD)
    store.record_attempt(RETRIED)
    assert list(store.dead_letters(10)) == [ROW.after(DEAD)]
    store.record_attempt(replace(RETRIED, id="msg_unknown"))


def test_a_delivered_row_is_neither_due_nor_dead(store: Kept) -> None:
    store.add([ROW])
    store.record_attempt(replace(DEAD, state=OutboxState.DELIVERED))
    assert list(store.due("ops", 10**15, 10)) == list(store.dead_letters(10)) == []
    assert store.backlog() == {}


def test_the_backlog_counts_what_is_pending(store: Kept) -> None:
    store.add([ROW, replace(ROW, id="msg_2", created_at=50), replace(ROW, channel="pager")])
    assert store.backlog() == {"ops": Backlog(2, 50), "pager": Backlog(1, 100)}
    store.record_attempt(replace(DEAD, channel="pager"))
    assert store.backlog() == {"ops": Backlog(2, 50)}


def test_dead_letters_come_latest_first_within_the_limit(store: Kept) -> None:
    store.add([replace(ROW, id=f"msg_{n}") for n in range(4)])
    for n, at in enumerate([5, 9, 9, 7]):
        store.record_attempt(replace(DEAD, id=f"msg_{n}", at=at))
    assert [row.id for row in store.dead_letters(3)] == ["msg_2", "msg_1", "msg_3"]


def test_replay_begins_anew_and_only_for_the_dead(store: Kept) -> None:
    store.add([ROW])
    assert not store.replay("msg_1", "ops", 500)
    store.record_attempt(DEAD)
    assert not store.replay("msg_1", "pager", 500)
    assert store.replay("msg_1", "ops", 500)
    (row,) = store.due("ops", 500, 10)
    assert (row.attempts, row.next_attempt_at, row.state) == (0, 500, OutboxState.PENDING)
    assert row.body == ROW.body
    assert not store.replay("msg_1", "ops", 500)


def test_disabling_is_per_target_and_taken_back_per_channel(store: Kept) -> None:
    assert not store.is_disabled("ops", "old")
    store.disable("ops", "old", 5)
    store.disable("ops", "old", 6)
    assert store.is_disabled("ops", "old")
    assert not store.is_disabled("ops", "new")
    assert not store.is_disabled("pager", "old")
    store.enable("ops")
    assert not store.is_disabled("ops", "old")
